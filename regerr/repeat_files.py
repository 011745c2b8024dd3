"""Reading repeats: the same points from several files, and who placed each."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import InputError, RegistrationWarning
from .io import Points, read_points
from .repeats import Repeats

_SHOWN = 5


def read_repeats(files: Sequence[str | Path], raters: Sequence[str] | str | None = None, *, drift: bool = False,
                 beyond: float | None = None, unit: str | None = None, columns: Sequence[str] | None = None) -> Repeats:
    r"""Read the same points from several files, joined by name.

    Parameters
    ----------
    files : sequence of str or path
        Two or more, in any format of :func:`read_points`; a file may lack points.
    raters : sequence of str, or str, optional
        Who placed each file, in their order; or one regular expression that finds it in the names of the files, such as
        ``"Rater(\d+)"``. One person for all by default.
    drift, beyond, unit : as in :class:`Repeats`
        The unit replaces what the files say.
    columns : sequence of str, optional
        The 2 or 3 columns of a table to take, such as those of one image in tables of pairs.

    Raises
    ------
    InputError
        With one sentence: fewer than two files, a file that cannot be read, mixed dimensions or units, nothing in common.

    Warns
    -----
    RegistrationWarning
        When files of unequal length are matched by numbers.
    """
    paths = [Path(file) for file in files]
    if len(paths) < 2:
        raise InputError(f"{len(paths)} file{'' if len(paths) == 1 else 's'} of points cannot tell how far repeats scatter: "
                         "give two or more files of the same points")
    first = read_points(paths[0], columns=columns)
    read = [first, *(read_points(path, columns=columns, frame=first.frame) for path in paths[1:])]
    _check_alike("dimension", [f"{points.points.shape[1]}D" for points in read], paths)
    units = [points.unit for points in read]
    if unit is None and len(set(units) - {None}) > 1:
        _check_alike("unit", [known or "an unknown unit" for known in units], paths)
    placements, names = _table(read)
    who = raters_in(paths, raters) if isinstance(raters, str) else raters
    known = unit or next((u for u in units if u is not None), None)
    return Repeats(placements, names, who, tuple(path.name for path in paths), known, drift, beyond)  # type: ignore[arg-type]


def _table(read: Sequence[Points]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Placements (p, n, d), NaN where a file lacks a point, and the names of the points."""
    names = tuple(dict.fromkeys(name for points in read for name in points.names))
    counts = sorted({len(points.names) for points in read})
    if all(name.isdigit() for name in names) and len(counts) > 1:
        warnings.warn(f"the files hold {counts[0]} to {counts[-1]} points that only numbers name: they are matched by these "
                      "numbers", RegistrationWarning, stacklevel=3)
    place = {name: i for i, name in enumerate(names)}
    table = np.full((len(read), len(names), read[0].points.shape[1]), np.nan)
    for row, points in zip(table, read, strict=True):
        row[[place[name] for name in points.names]] = points.points
    return table, names


def raters_in(paths: Sequence[Path], pattern: str) -> list[str]:
    """Who placed each file: what a regular expression finds in its name, its first group if it has one."""
    try:
        found = [re.search(pattern, path.name) for path in paths]
    except re.error as fault:
        raise InputError(f"the pattern {pattern!r} is no regular expression ({fault}): give one such as 'Rater(\\d+)'") from None
    lacking = [path.name for path, match in zip(paths, found, strict=True) if match is None]
    if lacking:
        raise InputError(f"the pattern {pattern!r} finds nobody in {_listed(lacking)}: give one that fits all names, or one name "
                         "for each file")
    return [match[1] if match.re.groups else match[0] for match in found if match is not None]


def _check_alike(what: str, values: Sequence[str], paths: Sequence[Path]) -> None:
    """Refuse files of different dimensions or units, naming two of them."""
    odd = next((i for i, value in enumerate(values) if value != values[0]), None)
    if odd is not None:
        raise InputError(f"{paths[0]} is in {values[0]} and {paths[odd]} in {values[odd]}: give all files in one {what}")


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(repr, items[:_SHOWN])) + more
