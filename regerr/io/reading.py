"""The doors: pairs of fiducials, points of one space (targets), and transformations."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError, RegistrationWarning
from ..pairs import FiducialPairs, Unused
from ..transforms import Transform
from . import plain
from .document import open_document
from .formats import opened, reader_of, transform_reader_of
from .frame import Spacing, in_pixels, pixel_steps, scaled, to_origin, to_patient
from .join import join
from .sheet import Sheet, Side, distinct, pairs_of, refusal

Path = str | os.PathLike[str]


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
    origin : {"centre", "corner"} or None
        What of the first pixel lies at zero; None when the file does not say.
    upward : bool
        Whether y grows upwards, as on a stage.
    """

    points: np.ndarray
    names: tuple[str, ...]
    unit: str | None = None
    covariance: np.ndarray | None = None
    unused: tuple[Unused, ...] = ()
    frame: str | None = None
    origin: str | None = None
    upward: bool = False


def read_pairs(path: Path, path2: Path | None = None, *, columns: Sequence[str] | None = None, source_unit: str | None = None,
               target_unit: str | None = None, partial: bool = False, source_pixel_size: Spacing | None = None,
               target_pixel_size: Spacing | None = None) -> FiducialPairs:
    """Read matched points, from one file that holds both spaces or from one file per space.

    Formats are recognised by content: tables, BigWarp, ec-CLEM, Icy, ImageJ, napari, 3D Slicer, elastix, QuPath, TrackMate,
    localisation microscopy and others; see docs/formats.md.

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
    source_pixel_size, target_pixel_size : float or sequence of float, optional
        Size of a pixel along x, y[, z] in the unit given beside it, for coordinates that are pixels.

    Returns
    -------
    FiducialPairs
        Points that a file switches off, or that are not placed in both spaces, are in ``unused``.

    Raises
    ------
    InputError
        With all faults of the file in one sentence.
    """
    sheet = read_sheet(path, path2, columns=columns, partial=partial)
    sizes, units = (source_pixel_size, target_pixel_size), (source_unit, target_unit)
    sides = [side if size is None else in_length(side, size, unit, f"the {space} of {sheet.path}") for side, size, unit, space in
             zip(sheet.sides, sizes, units, ("source", "target"), strict=False)]
    if len(sides) < 2:
        single = f"it holds points of one space ({sheet.kind}): give the file of the other space too"
        raise refusal(sheet.path, [*sheet.faults, single])
    return pairs_of(sheet.replace(source=sides[0], target=sides[1]), units)


def read_points(path: Path, *, columns: Sequence[str] | None = None, frame: str | None = None, origin: str | None = None,
                unit: str | None = None, pixel_size: Spacing | None = None) -> Points:
    """Read points of one space, such as targets.

    Parameters
    ----------
    path : str or path
        Any format of :func:`read_pairs` that holds one space, or points of interest beside its pairs.
    columns : sequence of str, optional
        The 2 or 3 columns of a table to take.
    frame : {"RAS", "LPS"}, optional
        Convert to these patient axes, for formats that have them.
    origin : {"centre", "corner"}, optional
        Count pixels from there, for formats that say from where they count.
    unit : str, optional
        Replaces what the file says of its unit.
    pixel_size : float or sequence of float, optional
        Size of a pixel along x, y[, z] in ``unit``, for coordinates that are pixels.

    Raises
    ------
    InputError
        With all faults of the file in one sentence.
    """
    if origin not in (None, "centre", "corner"):
        raise InputError(f"origin is {origin!r}: give 'centre' or 'corner'")
    whole = read_sheet(path, columns=columns)
    sheet = whole if whole.target is None or whole.targets is None else whole.targets
    if sheet.target is not None:
        excess = f"it holds pairs ({sheet.kind}) where points of one space are needed: give x, y[, z], or choose them by columns="
        raise refusal(sheet.path, [*sheet.faults, excess])
    if sheet.faults or not sheet.used:
        raise refusal(sheet.path, sheet.faults or ["it holds no point to use"])
    side = sheet.source if frame is None or sheet.source.frame.patient is None else to_patient(sheet.source, frame, sheet.path)
    side = side if origin is None else to_origin(side, origin)
    side = side if pixel_size is None else in_length(side, pixel_size, unit, sheet.path)
    return _points(sheet, replace(side, unit=unit or side.unit))


def read_transform(path: Path, *, as_stored: bool = False) -> Transform:
    """Read a transformation of points from source to target: ITK and elastix text, ec-CLEM's matrix, OME-NGFF.

    Parameters
    ----------
    path : str or path
    as_stored : bool
        ITK and elastix map from the fixed image to the moving one, that is from target to source, and are inverted here; with
        this they are given as they stand in the file.

    Raises
    ------
    InputError
        For other files, for transformations that no matrix describes or that have no inverse, and for damaged ones.
    """
    document = opened(open_document(path))
    reader = transform_reader_of(document)
    if reader is None:
        raise refusal(document.path, ["it is no transformation that is read here: give ITK or elastix text, ec-CLEM's matrix, or "
                                      "OME-NGFF"])
    with np.errstate(all="ignore"):
        found: Transform = reader.read(document)
        _check(document.path, found)
        if as_stored or not reader.TARGET_TO_SOURCE:
            return found
        try:
            back = found.inverse()
        except InputError as fault:
            raise refusal(document.path, [str(fault)]) from None
        _check(document.path, back)
        return back


def _check(path: str, transform: Transform) -> None:
    if not all(np.isfinite(part).all() for part in (transform.matrix, transform.offset)):
        raise refusal(path, ["its numbers are too large"])


def read_sheet(path: Path, path2: Path | None = None, *, columns: Sequence[str] | None = None, partial: bool = False) -> Sheet:
    """One file, or two joined, as it stands, with its faults; raises InputError for what cannot be read at all."""
    first = _read(path, columns)
    return _flattened(first if path2 is None else join(first, _read(path2, columns), partial))


def _read(path: Path, columns: Sequence[str] | None) -> Sheet:
    document = opened(open_document(path))
    if columns is not None and not document.data:
        return plain.read_columns(document, columns)
    sheet: Sheet = reader_of(document).read(document)
    return sheet


def _points(sheet: Sheet, side: Side) -> Points:
    """The used points, checked; their covariances too."""
    used, labels = sheet.used, distinct(sheet.labels, sheet.lines)
    chosen = side.rows(used)
    points = np.ascontiguousarray(chosen.points)
    points.flags.writeable = False
    if not np.isfinite(points).all() or (chosen.covariance is not None and not np.isfinite(chosen.covariance).all()):
        raise refusal(sheet.path, ["its numbers are too large: give coordinates in a larger unit"])
    return Points(points, tuple(labels[i] for i in used), side.unit, chosen.covariance, sheet.unused(), side.frame.patient,
                  side.frame.origin, side.frame.upward)


def in_length(side: Side, size: Spacing, unit: str | None, where: str) -> Side:
    """From pixels to a length, by the size of a pixel along x, y[, z].

    Raises
    ------
    InputError
        For sizes that are no positive numbers, coordinates that are a length already, and a unit that is lacking.
    """
    steps = pixel_steps(size, side.dimension, where)
    if not in_pixels(side.unit):
        raise InputError(f"{where} is in {side.unit} and not in pixels: leave out the pixel size")
    if unit is None:
        raise InputError(f"the pixel size of {where} has no unit: give the unit too")
    return scaled(side, steps, unit)


def _flattened(sheet: Sheet) -> Sheet:
    """In 2D, when the program pads 2D points with a constant z: in 3D they would have noise in two of three coordinates."""
    if not sheet.pads_z or not sheet.used or any(_varies_in_z(side.points[sheet.used], sheet) for side in sheet.sides):
        return sheet
    warnings.warn(f"{sheet.path}: z is the same for all points of each space, so they are read as 2D", RegistrationWarning,
                  stacklevel=4)
    return sheet.replace(source=sheet.source.flat(), target=sheet.target and sheet.target.flat())


def _varies_in_z(points: np.ndarray, sheet: Sheet) -> bool:
    """Points of one space count as flat only at z = 0: one target alone has a constant z too."""
    return points.shape[1] == 2 or bool(np.ptp(points[:, 2]) > 0 or (sheet.target is None and points[0, 2] != 0))
