"""Two files of points, one per space, joined to pairs: by unique names, else by row with equal counts, else not at all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import InputError, RegistrationWarning
from .sheet import Sheet, Side, distinct, refusal

_SHOWN = 8
Match = tuple[int | None, int | None]  # the row in each file; None where the point is lacking


def join(source: Sheet, target: Sheet, partial: bool = False) -> Sheet:
    """Pairs from the points of two files.

    With ``partial``, points named in one file only are kept as unused; otherwise they are an InputError that lists them.
    """
    refusals = [str(refusal(sheet.path, faults)) for sheet in (source, target) if (faults := _own_faults(sheet))]
    if refusals:
        raise InputError("; ".join(refusals))
    first, second = _one_frame(source, target)
    if first.dimension != second.dimension:
        raise InputError(f"{source.path} is {first.dimension}D and {target.path} is {second.dimension}D: "
                         "give both in one dimension")
    matches, names = _match(source, target, partial)
    rows = tuple(zip(*matches, strict=True))
    reasons = tuple(_reason(source, target, match) for match in matches)
    return Sheet(f"{source.path} and {target.path}", source.kind, _taken(first, rows[0]), _taken(second, rows[1]),
                 tuple(range(1, len(matches) + 1)), reasons, names, pads_z=source.pads_z and target.pads_z)


def _own_faults(sheet: Sheet) -> list[str]:
    own = list(sheet.faults)
    if sheet.target is not None:
        own.append(f"it already holds pairs ({sheet.kind}): give it alone, or two files with the points of one space each")
    elif not sheet.lines and not own:
        own.append("it holds no points")
    return own


def _match(source: Sheet, target: Sheet, partial: bool) -> tuple[list[Match], tuple[str, ...] | None]:
    if not (_unique(source.names) and _unique(target.names)):
        return _by_row(source, target)
    first, second = {name: i for i, name in enumerate(source.labels)}, {name: j for j, name in enumerate(target.labels)}
    only = [[name for name in first if name not in second], [name for name in second if name not in first]]
    common = len(first) - len(only[0])
    if common and (partial or not any(only)):
        names = (*first, *only[1])
        return [(first.get(name), second.get(name)) for name in names], names
    if common or len(first) != len(second):
        raise InputError(_lacking(source.path, target.path, only, common))
    warnings.warn(f"{source.path} and {target.path} have no name in common: their points are matched by row", RegistrationWarning,
                  stacklevel=4)
    return _by_row(source, target)


def _by_row(source: Sheet, target: Sheet) -> tuple[list[Match], tuple[str, ...] | None]:
    n, m = len(source.lines), len(target.lines)
    if n != m:
        raise InputError(f"{source.path} has {n} points and {target.path} has {m}, and without unique names in both they can "
                         "only be matched by row: give equal counts, or names")
    names = source.names or target.names
    return [(i, i) for i in range(n)], None if names is None else distinct(names, source.lines if source.names else target.lines)


def _unique(names: Sequence[str] | None) -> bool:
    return names is not None and len(set(names)) == len(names)


def _lacking(source: str, target: str, only: list[list[str]], common: int) -> str:
    where = [f"only in {path}: {_listed(names)}" for path, names in zip((source, target), only, strict=True) if names]
    mend = "complete the files, or use the common points alone (partial=True)" if common else "give the points equal names"
    return f"{source} and {target} do not hold the same points; {'; '.join(where)}: {mend}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


def _reason(source: Sheet, target: Sheet, match: Match) -> str:
    i, j = match
    if i is None or j is None:
        return f"only in {(target if i is None else source).path}"
    return source.reasons[i] or target.reasons[j]


def _taken(side: Side, rows: Sequence[int | None]) -> Side:
    """The rows in a new order, with a gap for None."""
    lacking = np.array([row is None for row in rows])
    index = [row or 0 for row in rows]
    points = np.where(lacking[:, None], np.nan, side.points[index])
    return replace(side, points=points, sigma=None if side.sigma is None else side.sigma[index])


def _one_frame(source: Sheet, target: Sheet) -> tuple[Side, Side]:
    """Both in LPS when one is in RAS and the other in LPS."""
    frames = {source.source.frame, target.source.frame} - {None}
    if frames <= {source.source.frame} or frames <= {target.source.frame}:
        return source.source, target.source
    where = f"{source.path} is in {source.source.frame} and {target.path} in {target.source.frame}"
    if not frames <= {"RAS", "LPS"}:
        raise InputError(f"{where}: save both in RAS or LPS")
    warnings.warn(f"{where}: both are converted to LPS", RegistrationWarning, stacklevel=4)
    return in_frame(source.source, "LPS", source.path), in_frame(target.source, "LPS", target.path)


def in_frame(side: Side, frame: str, path: str) -> Side:
    """RAS to LPS or back: x and y change sign; raises InputError for any other axes."""
    if side.frame != frame and not {side.frame, frame} <= {"RAS", "LPS"}:
        raise InputError(f"{path} is in {side.frame} and {frame} was asked for: only RAS and LPS can be converted")
    return side if side.frame == frame else replace(side, points=side.points * (-1.0, -1.0, 1.0), frame=frame)
