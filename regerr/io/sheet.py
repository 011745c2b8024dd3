"""What every reader hands over: the rows of a file, each used or left out with a reason, and the faults found.

A reader never stops at the first fault: it leaves a gap (NaN) and goes on, so that all faults of a file reach the user at once.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..errors import InputError, RegistrationWarning
from ..pairs import FiducialPairs, Unused

UNREADABLE = "unreadable"  # the reason of a row that has a fault of its own, already told
_SHOWN = 5


@dataclass(frozen=True)
class Side:
    """The points of one space, with a row of NaN where a point is not placed.

    Attributes
    ----------
    points : (n, d) array
    unit : str or None
        None when the file does not say.
    sigma : (n, d) array, optional
        Standard deviation per coordinate.
    frame : str or None
        Patient axes, "RAS" or "LPS", where a format has them.
    """

    points: np.ndarray
    unit: str | None = None
    sigma: np.ndarray | None = None
    frame: str | None = None

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.points.shape[1])

    def covariance(self, rows: Sequence[int]) -> np.ndarray | None:
        """Diagonal covariances (len(rows), d, d), or None."""
        return None if self.sigma is None else self.sigma[rows, :, None] ** 2 * np.eye(self.dimension)


@dataclass(frozen=True)
class Sheet:
    """One file, read.

    Attributes
    ----------
    path, kind : str
        The file, and the format in words.
    source : Side
        The first space, or the only one.
    target : Side or None
        None for a file with points of one space.
    lines : tuple of int
        The line of the file that each row stands in.
    reasons : tuple of str
        Why a row is left out; "" when it is used.
    names : tuple of str or None
        None when the file has none.
    faults : tuple of str
        What is wrong, with row and column.
    pads_z : bool
        Whether the program writes a z of its own for 2D images.
    """

    path: str
    kind: str
    source: Side
    target: Side | None
    lines: tuple[int, ...]
    reasons: tuple[str, ...]
    names: tuple[str, ...] | None = None
    faults: tuple[str, ...] = ()
    pads_z: bool = False

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names, or "1", "2", ... where the file has none."""
        return self.names or tuple(map(str, range(1, len(self.lines) + 1)))

    @property
    def used(self) -> list[int]:
        """Indices of the rows that count."""
        return [i for i, reason in enumerate(self.reasons) if not reason]

    def replace(self, **changes: object) -> Sheet:
        """A changed copy."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def unused(self) -> tuple[Unused, ...]:
        """The rows left out, with their coordinates where they are known."""
        other = self.target or self.source
        return tuple(Unused(self.labels[i], reason, _placed(self.source.points[i]),
                            _placed(other.points[i]) if self.target else None)
                     for i, reason in enumerate(self.reasons) if reason and reason != UNREADABLE)


def pairs_of(sheet: Sheet, units: tuple[str | None, str | None]) -> FiducialPairs:
    """Checked pairs from a sheet with two spaces; raises InputError with all faults of the file.

    ``units`` replaces what the file says of its units; "px" where nothing is said.
    """
    faults = [*sheet.faults, *_repeated_names(sheet)]
    if not sheet.used:
        raise refusal(sheet.path, faults or ["it holds no pair to use"])
    try:
        with warnings.catch_warnings():
            if faults:  # what is refused anyway is not warned of
                warnings.simplefilter("ignore", RegistrationWarning)
            pairs = _checked(sheet, units)
    except InputError as fault:
        raise refusal(sheet.path, [*faults, str(fault)]) from None
    if faults:
        raise refusal(sheet.path, faults)
    return pairs


def _checked(sheet: Sheet, units: tuple[str | None, str | None]) -> FiducialPairs:
    source, target, used = sheet.source, sheet.target, sheet.used
    assert target is not None
    names = distinct(sheet.labels, sheet.lines)
    return FiducialPairs(source.points[used], target.points[used], tuple(names[i] for i in used),
                         units[0] or source.unit or "px", units[1] or target.unit or "px",
                         source.covariance(used), target.covariance(used), sheet.unused())


def refusal(path: str, faults: Sequence[str]) -> InputError:
    """One sentence for all faults of one file."""
    more = [f"and {len(faults) - _SHOWN} more faults"] if len(faults) > _SHOWN + 1 else []
    return InputError(f"{path}: {'; '.join([*(faults[:_SHOWN] if more else faults), *more])}")


def distinct(names: Sequence[str], lines: Sequence[int]) -> tuple[str, ...]:
    """Names for formats that allow repetition: a repeated one carries its row."""
    counts = Counter(names)
    return tuple(f"{name} (row {line})" if counts[name] > 1 else name for name, line in zip(names, lines, strict=True))


def _repeated_names(sheet: Sheet) -> list[str]:
    rows: dict[str, list[int]] = {}
    for name, line in zip(sheet.names or (), sheet.lines, strict=False):
        rows.setdefault(name, []).append(line)
    return [f"the name {name!r} stands in rows {', '.join(map(str, where))}: give each point its own name"
            for name, where in rows.items() if len(where) > 1]


def _placed(point: np.ndarray) -> tuple[float, ...] | None:
    return tuple(point.tolist()) if np.isfinite(point).all() else None
