"""What every reader hands over: the rows of a file, each used or left out with a reason, and the faults found.

A reader never stops at the first fault: it leaves a gap (NaN) and goes on, so that all faults of a file reach the user at once.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..errors import InputError, RegistrationWarning
from ..pairs import FiducialPairs, Unused
from .frame import Frame

UNREADABLE = "unreadable"  # the reason of a row that has a fault of its own, already told
_SHOWN = 5
_LONGEST = 200  # characters of a name
_DEVIATIONS = 1e-150, 1e150  # outside of which squares are 0 or infinite
_ODD = re.compile(r"[\ud800-\udfff\x00-\x1f\x7f-\x9f]")  # half characters, control characters


@dataclass(frozen=True)
class Card:
    """What a format is, for messages and for the table in the documentation.

    Attributes
    ----------
    kind : str
        The format in words.
    files : str
        Its usual endings; a file is recognised by its content alone.
    holds : str
        What it holds: pairs, points, or what else.
    unit, frame : str
        Where the unit comes from, and what is known of the axes.
    remarks : str
        What becomes of points that are switched off, of uncertainties and so on.
    needs : str
        The optional library that reads it; empty when none is needed.
    """

    kind: str
    files: str
    holds: str
    unit: str
    frame: str
    remarks: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Side:
    """The points of one space, with a row of NaN where a point is not placed.

    Attributes
    ----------
    points : (n, d) array
    unit : str or None
        None when the file does not say.
    covariance : (n, d, d) array, optional
        Localisation covariance of each point.
    frame : Frame
    """

    points: np.ndarray
    unit: str | None = None
    covariance: np.ndarray | None = None
    frame: Frame = field(default_factory=Frame)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.points.shape[1])

    def rows(self, index: Sequence[int] | np.ndarray) -> Side:
        """Some of the points."""
        return replace(self, points=self.points[index], covariance=None if self.covariance is None else self.covariance[index])

    def flat(self) -> Side:
        """In 2D, without z."""
        return replace(self, points=self.points[:, :2], covariance=None if self.covariance is None
                       else self.covariance[:, :2, :2])

    def without_empty_z(self) -> Side:
        """In 2D when z is 0 for all points: many programs write that for images."""
        z = self.points[np.isfinite(self.points).all(1), 2:]
        return self if self.dimension == 2 or not z.size or z.any() else self.flat()

    def times(self, steps: Sequence[float]) -> Side:
        """Each coordinate times a number of its own."""
        factor = np.array(steps)
        covariance = None if self.covariance is None else self.covariance * np.outer(factor, factor)
        return replace(self, points=self.points * factor, covariance=covariance)


def diagonal(sigma: np.ndarray) -> np.ndarray:
    """Covariances (n, d, d) from standard deviations (n, d)."""
    n, d = sigma.shape
    out = np.zeros((n, d, d))
    with np.errstate(over="ignore", invalid="ignore"):
        out[:, range(d), range(d)] = sigma**2
    return out


def improper(sigma: np.ndarray) -> np.ndarray:
    """The rows of standard deviations (n, d) that are not positive, or whose squares leave the range of numbers; no gaps."""
    low, high = _DEVIATIONS
    return np.flatnonzero(((sigma < low) | (sigma > high)).any(1))


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
    targets : Sheet or None
        Points of interest that a file of pairs holds beside them.
    gate : float or None
        With which probability a true pair passes the gate that chose the pairs.
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
    targets: Sheet | None = field(default=None, repr=False)
    gate: float | None = None

    def __post_init__(self) -> None:
        if self.names is not None:
            object.__setattr__(self, "names", tuple(tidy(name) or f"point {i}" for i, name in enumerate(self.names, 1)))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names, or "1", "2", ... where the file has none."""
        return self.names or tuple(map(str, range(1, len(self.lines) + 1)))

    @property
    def used(self) -> list[int]:
        """Indices of the rows that count."""
        return [i for i, reason in enumerate(self.reasons) if not reason]

    @property
    def sides(self) -> tuple[Side, ...]:
        """One or two spaces, the source first."""
        return (self.source,) if self.target is None else (self.source, self.target)

    def replace(self, **changes: object) -> Sheet:
        """A changed copy."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def unused(self) -> tuple[Unused, ...]:
        """The rows left out, with their coordinates where they are known."""
        other = self.target or self.source
        return tuple(Unused(self.labels[i], reason, _placed(self.source.points[i]),
                            _placed(other.points[i]) if self.target else None)
                     for i, reason in enumerate(self.reasons) if reason and reason != UNREADABLE)


def sheet_of(path: str, kind: str, sides: Sequence[Side], *, names: Sequence[str] | None = None,
             reasons: Sequence[str] | None = None, lines: Sequence[int] | None = None, faults: Sequence[str] = (),
             pads_z: bool = False) -> Sheet:
    """A sheet from one side or two; rows with a gap and no reason of their own are unreadable."""
    n = len(sides[0].points)
    placed = np.isfinite(np.concatenate([side.points for side in sides], axis=1)).all(1) if n else np.ones(0, bool)
    given = reasons or [""] * n
    told = tuple(reason or ("" if here else UNREADABLE) for reason, here in zip(given, placed, strict=True))
    return Sheet(path, kind, sides[0], sides[1] if len(sides) > 1 else None,
                 tuple(lines) if lines is not None else tuple(range(1, n + 1)), told, None if names is None else tuple(names),
                 tuple(faults), pads_z)


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
    used = sheet.used
    source, target = (side.rows(used) for side in sheet.sides)
    names = distinct(sheet.labels, sheet.lines)
    return FiducialPairs(source.points, target.points, tuple(names[i] for i in used), units[0] or source.unit or "px",
                         units[1] or target.unit or "px", source.covariance, target.covariance, sheet.unused(),
                         gate=sheet.gate, source_origin=source.frame.origin, target_origin=target.frame.origin)


def refusal(path: str, faults: Sequence[str]) -> InputError:
    """One sentence for all faults of one file."""
    more = [f"and {len(faults) - _SHOWN} more faults"] if len(faults) > _SHOWN + 1 else []
    return InputError(f"{path}: {'; '.join([*(faults[:_SHOWN] if more else faults), *more])}")


def distinct(names: Sequence[str], lines: Sequence[int]) -> tuple[str, ...]:
    """Names for formats that allow repetition: a repeated one carries its row."""
    counts = Counter(names)
    return tuple(f"{name} (row {line})" if counts[name] > 1 else name for name, line in zip(names, lines, strict=True))


def tidy(name: str) -> str:
    """A name on one line, of text that can be printed and written, of 200 characters at most."""
    plain = " ".join(_ODD.sub(" ", name).split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."


def brief(text: object) -> str:
    """What stands in a file, for a message: on one line, of 40 characters at most."""
    plain = tidy(str(text)[:_LONGEST])
    return plain if len(plain) <= 40 else plain[:37] + "..."


def short(text: object) -> str:
    """The same in quotes."""
    return repr(brief(text))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts numbers within names by their value: bead 2 before bead 10."""
    return tuple((0, int(part[:18]), "") if part.isdecimal() and part.isascii() else (1, 0, part)
                 for part in re.split(r"([0-9]+)", name) if part)


def _repeated_names(sheet: Sheet) -> list[str]:
    rows: dict[str, list[int]] = {}
    for name, line in zip(sheet.names or (), sheet.lines, strict=False):
        rows.setdefault(name, []).append(line)
    return [f"the name {name!r} stands in rows {', '.join(map(str, where))}: give each point its own name"
            for name, where in rows.items() if len(where) > 1]


def _placed(point: np.ndarray) -> tuple[float, ...] | None:
    return tuple(point.tolist()) if np.isfinite(point).all() else None
