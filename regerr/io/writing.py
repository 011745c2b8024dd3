"""The way out: points and pairs as the files of other programs, converted to their unit, axes and origin."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError, RegistrationWarning
from ..files import check_free, write_file
from ..pairs import FiducialPairs
from ..transforms import Transform
from . import (
    bigwarp,
    ecclem_csv,
    ecclem_xml,
    fcsv,
    geojson,
    imagej,
    itk_transform,
    markups_json,
    napari,
    ngff,
    plain,
    registration_json,
)
from .frame import PATIENT, Spacing, downward, in_pixels, in_unit, pixel_steps, scaled, to_origin, to_patient
from .objects import sheet_of_pairs, sheet_of_points
from .reading import Points
from .sheet import Sheet, Side

Place = str | os.PathLike[str]


@dataclass(frozen=True)
class Writer:
    """How one format is written.

    Attributes
    ----------
    name : str
        What a user calls it.
    kind : str
        The format in words.
    suffixes : tuple of str
        Endings of files that mean this format when none is named; empty when it must be named.
    spaces : tuple of int
        How many spaces a file may hold: (2,) for pairs, (1,) for points, () for a transformation.
    write : callable or None
        From a sheet in the format's unit and axes to the content.
    transform : callable or None
        From a transformation from source to target, the units of both and a remark to the content.
    way : str
        What a transformation maps from where to where, in words.
    unit : str or None
        The unit that it needs; "px" for pixels; None when any will do.
    origin : {"centre", "corner"} or None
        What of the first pixel lies at zero; None when the file says it.
    precise : bool
        Whether standard deviations are kept.
    gated : bool
        Whether the gate that chose pairs is kept.
    switch : bool
        Whether it can say that a point is not used; such points are left out where it cannot.
    dimension : int
        The most it holds.
    image : bool
        Whether it holds the axes of an image, with y downwards.
    """

    name: str
    kind: str
    suffixes: tuple[str, ...] = ()
    spaces: tuple[int, ...] = ()
    write: Callable[[Sheet], str | bytes] | None = None
    transform: Callable[[Transform, tuple[str, str], str], str] | None = None
    way: str = ""
    unit: str | None = None
    origin: str | None = "centre"
    precise: bool = False
    gated: bool = False
    switch: bool = True
    dimension: int = 3
    image: bool = True


_TO_SOURCE = "target to source, for resampling the source image on the grid of the target"


def _itk(transform: Transform, units: tuple[str, str], remark: str) -> str:
    return itk_transform.write(transform.inverse(), f"target_to_source: {_TO_SOURCE}. {remark}")


def _ngff(transform: Transform, units: tuple[str, str], remark: str) -> str:
    return ngff.write(transform, units)


WRITERS = {writer.name: writer for writer in (
    Writer("table", plain.CARD.kind, (".csv",), (1, 2), plain.write, origin=None, precise=True, gated=True, image=False),
    Writer("bigwarp", bigwarp.CARD.kind, (), (2,), bigwarp.write),
    Writer("ecclem", ecclem_xml.CARD.kind, (".xml",), (2,), ecclem_xml.write, unit="µm", switch=False),
    Writer("ecclem-csv", ecclem_csv.CARD.kind, (), (1,), ecclem_csv.write, unit="µm", switch=False),
    Writer("fcsv", fcsv.CARD.kind, (".fcsv",), (1,), fcsv.write, unit="mm", image=False),
    Writer("slicer", markups_json.CARD.kind, (".mrk.json",), (1,), markups_json.write, unit="mm", image=False),
    Writer("imagej", imagej.CARD.kind, (".zip",), (1,), imagej.write, unit="px", origin="corner", switch=False),
    Writer("napari", napari.CARD.kind, (), (1,), napari.write),
    Writer("qupath", geojson.CARD.kind, (".geojson",), (1,), geojson.write, unit="px", origin="corner", dimension=2),
    Writer("itk", itk_transform.CARD.kind, (".tfm",), transform=_itk, way=_TO_SOURCE),
    Writer("ngff", ngff.CARD.kind, transform=_ngff, way="source to target, and the inverse"),
    Writer("json", registration_json.CARD.kind, (".json",)),
)}


def writer_of(path: Place, name: str | None = None) -> Writer:
    """The format that a user names, or that the ending of the file means; raises InputError when neither says it."""
    known = ", ".join(WRITERS)
    if name is not None:
        if name not in WRITERS:
            raise InputError(f"there is no format {name!r} to write: choose {known}")
        return WRITERS[name]
    end = os.fspath(path).lower()
    found = [writer for writer in WRITERS.values() if end.endswith(writer.suffixes)]
    if not found:
        raise InputError(f"the ending of {os.fspath(path)} does not say which format to write: name it (choose {known})")
    return max(found, key=lambda writer: max(map(len, writer.suffixes)))  # .mrk.json before .json


def write_pairs(pairs: FiducialPairs, path: Place, format: str | None = None, *, source_pixel_size: Spacing | None = None,
                target_pixel_size: Spacing | None = None, force: bool = False) -> tuple[Path, ...]:
    """Write pairs; a format that holds one space gets two files, NAME_source and NAME_target.

    Parameters
    ----------
    pairs : FiducialPairs
        Of one dataset. Pixels are counted as the format counts them where the pairs say how they do.
    path : str or path
    format : str, optional
        "table", "bigwarp", "ecclem", "ecclem-csv", "fcsv", "slicer", "imagej", "napari" or "qupath"; by the ending of the file
        when not given.
    source_pixel_size, target_pixel_size : float or sequence of float, optional
        Along x, y[, z], in the unit of that space: to write pixels where the pairs are lengths.
    force : bool
        Overwrite files that exist.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    InputError
        For formats that cannot take the unit, files that exist, and a batch.

    Warns
    -----
    RegistrationWarning
        When the format drops precisions, z, points that are not used, or the gate of the pairs.
    """
    sizes = source_pixel_size, target_pixel_size
    return write_sheet(sheet_of_pairs(pairs), path, writer_of(path, format), sizes, force=force)


def write_points(points: Points, path: Place, format: str | None = None, *, pixel_size: Spacing | None = None,
                 force: bool = False) -> Path:
    """Write points of one space; arguments and faults as for :func:`write_pairs`."""
    writer = writer_of(path, format)
    return write_sheet(sheet_of_points(points), path, writer, (pixel_size,), force=force)[0]


def write_transform(transform: Transform, path: Place, format: str | None = None, *, units: tuple[str, str] = ("", ""),
                    remark: str = "", force: bool = False) -> Path:
    """Write a transformation from source to target.

    Parameters
    ----------
    transform : Transform
        Of one dataset, from source to target, x before y before z.
    path : str or path
    format : {"itk", "ngff"}, optional
        By the ending when not given. OME-NGFF has both ways; ITK has the way from target to source, with which programs
        resample the source image on the grid of the target.
    units : (str, str)
        Of source and target.
    remark : str
        A line for people, in formats that have room for it.
    force : bool
        Overwrite a file that exists.

    Raises
    ------
    InputError
        For other formats, a batch, a matrix without an inverse, and a file that exists.
    """
    writer = writer_of(path, format)
    if transform.matrix.ndim != 2:
        raise InputError(f"this is a batch of transformations of shape {transform.matrix.shape[:-2]}: write one of them")
    if writer.transform is None:
        raise InputError(f"the format {writer.name} holds no transformation by itself: choose "
                         f"{' or '.join(one.name for one in WRITERS.values() if one.transform)}")
    write_content(Path(path), writer.transform(transform, units, remark), force)
    return Path(path)


def write_sheet(sheet: Sheet, path: Place, writer: Writer, pixel_sizes: Sequence[Spacing | None] = (None, None), *,
                force: bool = False) -> tuple[Path, ...]:
    """Write a sheet, in one file or in one for each space; faults as for :func:`write_pairs`."""
    write = writer.write
    if write is None:
        raise InputError(f"the format {writer.name} holds a transformation and no points: fit the pairs first")
    if sheet.target is None and 1 not in writer.spaces:
        raise InputError(f"{sheet.path}: these are points of one space, and the format {writer.name} holds pairs: give the other "
                         "space too, or choose another format")
    spaces = ("source", "target") if sheet.target is not None else ("",)
    sides = [adapted(side, writer, size, f"the {space} of {sheet.path}" if space else sheet.path)
             for side, size, space in zip(sheet.sides, pixel_sizes, spaces, strict=False)]
    _warn_of_losses(sheet, sides, writer)
    flat = [side.flat() if side.dimension > writer.dimension else side for side in sides]
    if len(flat) not in writer.spaces:
        places = [_with(Path(path), space, writer) for space in spaces]
        parts = [sheet.replace(source=side, target=None) for side in flat]
    else:
        places, parts = [Path(path)], [sheet.replace(source=flat[0], target=flat[1] if len(flat) > 1 else None)]
    contents = [write(part) for part in parts]
    for place in places:
        check_free(place, force)
    for place, content in zip(places, contents, strict=True):
        write_content(place, content, force)
    return tuple(places)


def centred(sheet: Sheet) -> Sheet:
    """With pixels counted from the centre of the first, and in LPS: what transformations are written for."""
    sides = [to_origin(side, "centre") for side in sheet.sides]
    sides = [to_patient(side, "LPS", sheet.path) if side.frame.patient in PATIENT else side for side in sides]
    return sheet.replace(source=sides[0], target=sides[1] if len(sides) > 1 else None)


def adapted(side: Side, writer: Writer, pixel_size: Spacing | None, where: str) -> Side:
    """In the unit, the axes and with the origin of a format; raises InputError when the unit does not allow it."""
    if side.frame.upward and writer.image:
        warnings.warn(f"y grows upwards in {where}, and downwards in the format {writer.name}: its sign is changed",
                      RegistrationWarning, stacklevel=4)
        side = downward(side)
    size = None if pixel_size is None else pixel_steps(pixel_size, side.dimension, where)
    if writer.unit == "px":
        side = _in_pixels(side, size, writer, where)
    elif size is not None and in_pixels(side.unit):
        raise InputError(f"{where} is in pixels: its pixel size needs a unit, so give it on reading")
    elif writer.unit is not None:
        found = in_unit(side, writer.unit)
        if found is None:
            raise InputError(f"{where} is in {side.unit or 'px'}, and the format {writer.name} takes {writer.unit}: give the "
                             "pixel size and its unit")
        return found
    return side if writer.origin is None else to_origin(side, writer.origin)


def _in_pixels(side: Side, size: tuple[float, ...] | None, writer: Writer, where: str) -> Side:
    if in_pixels(side.unit):
        return replace(side, unit="px")
    if size is None:
        raise InputError(f"{where} is in {side.unit}, and the format {writer.name} takes pixels: give the pixel size in "
                         f"{side.unit}")
    made = scaled(side, [1.0 / step for step in size], "px")
    return replace(made, frame=replace(made.frame, origin=side.frame.origin or "centre"))


def _warn_of_losses(sheet: Sheet, sides: Sequence[Side], writer: Writer) -> None:
    lost = []
    if any(side.covariance is not None for side in sides) and not writer.precise:
        lost.append("the precision of the points")
    elif any(side.covariance is not None and _correlated(side.covariance) for side in sides):
        lost.append("the correlation of the coordinates of a point")
    if any(side.dimension > writer.dimension for side in sides):
        lost.append("z")
    unused = sum(map(bool, sheet.reasons))
    if unused and not writer.switch:
        lost.append(f"points that are not used ({unused} {'is' if unused == 1 else 'are'} left out)")
    if sheet.gate is not None and not writer.gated:
        lost.append(f"the gate of the pairs (register them with --gate {sheet.gate:g})")
    if lost:
        warnings.warn(f"the format {writer.name} does not keep {' and '.join(lost)}", RegistrationWarning, stacklevel=4)


def _correlated(covariance: np.ndarray) -> bool:
    return bool(np.any(covariance * (1.0 - np.eye(covariance.shape[-1]))))


def _with(path: Path, space: str, writer: Writer) -> Path:
    """beads.mrk.json as beads_source.mrk.json."""
    end = next((end for end in writer.suffixes if path.name.lower().endswith(end)), path.suffix)
    stem = path.name[: len(path.name) - len(end)]
    return path.with_name(f"{stem}_{space}{path.name[len(stem):]}")


def write_content(path: Path, content: str | bytes, force: bool) -> None:
    """Write UTF-8 text or bytes, whole or not at all; raises InputError as `regerr.files.write_file`."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    write_file(path, lambda place: place.write_bytes(data), force=force)
