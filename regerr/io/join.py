"""Two files of points, one per space, joined to pairs: by unique names, else by row with equal counts, else not at all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import InputError, RegistrationWarning
from .frame import PATIENT, downward, to_patient
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
    _warn_of_projection(source, target)
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
    taken = side.rows(index)
    return replace(taken, points=np.where(lacking[:, None], np.nan, taken.points))


def _one_frame(source: Sheet, target: Sheet) -> tuple[Side, Side]:
    """Both in LPS when one is in RAS and the other in LPS; both with y downwards when only one has it so."""
    first, second = source.source, target.source
    if first.frame.upward != second.frame.upward:
        up, down = (source, target) if first.frame.upward else (target, source)
        _warn(f"y grows upwards in {up.path} and downwards in {down.path}: the sign of the former's y is changed")
        first, second = downward(first), downward(second)
    patients = {first.frame.patient, second.frame.patient} - {None}
    if len(patients) < 2:
        return first, second
    where = f"{source.path} is in {first.frame.patient} and {target.path} in {second.frame.patient}"
    if not patients <= set(PATIENT):
        raise InputError(f"{where}: save both in RAS or LPS")
    _warn(f"{where}: both are converted to LPS")
    return to_patient(first, "LPS", source.path), to_patient(second, "LPS", target.path)


def _warn_of_projection(source: Sheet, target: Sheet) -> None:
    flat = [sheet.path for sheet in (source, target) if _flat(sheet.source.points[sheet.used])]
    if len(flat) == 1:
        _warn(f"z is the same for all points of {flat[0]} and not in the other file: a projection of a volume on an image is no "
              "transformation in 3D")


def _flat(points: np.ndarray) -> bool:
    return bool(points.shape[1] == 3 and len(points) > 2 and np.ptp(points[:, 2]) == 0)


def _warn(sentence: str) -> None:
    warnings.warn(sentence, RegistrationWarning, stacklevel=5)
