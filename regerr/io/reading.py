"""The two doors: pairs of fiducials, and points of one space (targets)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from ..errors import RegistrationWarning
from ..pairs import FiducialPairs, Unused
from . import bigwarp, ecclem_csv, ecclem_xml, fcsv, plain
from .document import open_document
from .join import in_frame, join
from .sheet import Sheet, Side, distinct, pairs_of, refusal

Path = str | os.PathLike[str]
_FORMATS: tuple[ModuleType, ...] = (ecclem_xml, fcsv, bigwarp, ecclem_csv, plain)  # the first that recognises the text reads it


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one space, as read from a file.

    Attributes
    ----------
    points : (n, d) array
        Read-only; x before y before z.
    names : tuple of str
        "1" to "n" where the file has none.
    unit : str or None
        None when the file does not say.
    covariance : (n, d, d) array, optional
        From columns of standard deviations.
    unused : tuple of Unused
        Points that the file switches off, with the reason; their coordinates are in ``source``.
    frame : str or None
        "RAS" or "LPS" for formats in patient axes.
    """

    points: np.ndarray
    names: tuple[str, ...]
    unit: str | None = None
    covariance: np.ndarray | None = None
    unused: tuple[Unused, ...] = ()
    frame: str | None = None


def read_pairs(path: Path, path2: Path | None = None, *, columns: Sequence[str] | None = None, source_unit: str | None = None,
               target_unit: str | None = None, partial: bool = False) -> FiducialPairs:
    """Read matched points, from one file that holds both spaces or from one file per space.

    Formats, recognised by content: plain CSV or TSV, BigWarp landmarks, ec-CLEM data sets and transformation schemas, 3D Slicer
    ``.fcsv``.

    Parameters
    ----------
    path, path2 : str or path
        One file with pairs; or the file of the source and the file of the target, joined by name when both have unique names,
        else by row with equal counts.
    columns : sequence of str, optional
        The columns of a table to take, 4 (2D) or 6 (3D) with the source first; with two files 2 or 3, the same in both.
    source_unit, target_unit : str, optional
        Replace what the file says of its unit.
    partial : bool
        Keep points that only one of two files names as unused, instead of refusing.

    Returns
    -------
    FiducialPairs
        Points that a file switches off, or that are not placed in both spaces, are in ``unused``.

    Raises
    ------
    InputError
        With all faults of the file in one sentence.
    """
    sheet = _read(path, columns)
    if path2 is not None:
        sheet = join(sheet, _read(path2, columns), partial)
    if sheet.target is None:
        lacking = f"it holds points of one space ({sheet.kind}): give the file of the other space too, or a table of pairs"
        raise refusal(sheet.path, [*sheet.faults, lacking])
    return pairs_of(_flattened(sheet), (source_unit, target_unit))


def read_points(path: Path, *, columns: Sequence[str] | None = None, frame: str | None = None) -> Points:
    """Read points of one space, such as targets.

    Parameters
    ----------
    path : str or path
        Any format of :func:`read_pairs` that holds one space.
    columns : sequence of str, optional
        The 2 or 3 columns of a table to take.
    frame : {"RAS", "LPS"}, optional
        Convert to these patient axes, for formats that have them.

    Raises
    ------
    InputError
        With all faults of the file in one sentence.
    """
    sheet = _read(path, columns)
    if sheet.target is not None:
        excess = f"it holds pairs ({sheet.kind}) where points of one space are needed: give x, y[, z], or choose them by columns="
        raise refusal(sheet.path, [*sheet.faults, excess])
    if sheet.faults or not sheet.used:
        raise refusal(sheet.path, sheet.faults or ["it holds no point to use"])
    side = sheet.source if frame is None or sheet.source.frame is None else in_frame(sheet.source, frame, sheet.path)
    used, labels = sheet.used, distinct(sheet.labels, sheet.lines)
    points = np.ascontiguousarray(side.points[used])
    points.flags.writeable = False
    return Points(points, tuple(labels[i] for i in used), side.unit, side.covariance(used), sheet.unused(), side.frame)


def _read(path: Path, columns: Sequence[str] | None) -> Sheet:
    document = open_document(path)
    if columns is not None:
        return plain.read_columns(document, columns)
    return next(f for f in _FORMATS if f.recognises(document)).read(document)


def _flattened(sheet: Sheet) -> Sheet:
    """In 2D, when the program pads 2D points with a constant z: in 3D they would have noise in two of three coordinates."""
    sides = [side for side in (sheet.source, sheet.target) if side is not None]
    if not sheet.pads_z or not sheet.used or any(_varies_in_z(side.points[sheet.used]) for side in sides):
        return sheet
    warnings.warn(f"{sheet.path}: z is the same for all points of each space, so they are read as 2D", RegistrationWarning,
                  stacklevel=3)
    return sheet.replace(source=_without_z(sheet.source), target=sheet.target and _without_z(sheet.target))


def _varies_in_z(points: np.ndarray) -> bool:
    return points.shape[1] == 2 or bool(np.ptp(points[:, 2]) > 0)


def _without_z(side: Side) -> Side:
    return replace(side, points=side.points[:, :2])
