"""From the files of one program to those of another: points, pairs, and the registration that pairs determine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from ..files import check_free, write_text
from .numbers import numbers_in
from .options import given_by

if TYPE_CHECKING:
    from ..io.sheet import Sheet, Side
    from ..io.writing import Writer
    from ..results import RegistrationResult
    from ..transforms import Transform


@dataclass(frozen=True)
class Conversion:
    """What the user says beside the files."""

    to: Annotated[str | None, given_by("FORMAT", "table, bigwarp, ecclem, ecclem-csv, fcsv, slicer, imagej, napari, qupath, itk, "
                                                 "ngff or json.  [default: by the ending of OUT]")] = None
    space: Annotated[str | None, given_by("SPACE", "Write this space of pairs alone: source or target.")] = None
    columns: Annotated[str | None, given_by("A,B,...", "Columns of a table to take, source first.")] = None
    partial: Annotated[bool, typer.Option("--partial", help="With two files, use the points that both name.")] = False
    source_unit: Annotated[str | None, given_by("UNIT", "Unit of the source, where the file does not say it.")] = None
    target_unit: Annotated[str | None, given_by("UNIT", "Unit of the target, where the file does not say it.")] = None
    source_pixel: Annotated[str | None, given_by("S[,S,S]", "Pixel size of the source along x, y[, z], in its unit.")] = None
    target_pixel: Annotated[str | None, given_by("S[,S,S]", "Pixel size of the target along x, y[, z], in its unit.")] = None
    model: Annotated[str | None, given_by("MODEL", "For a transformation: rigid, similarity or affine.  [default: rigid]")] = None
    noise: Annotated[str | None, given_by("NOISE", "For a transformation: both, target, source or full.  [default: both]")] = None
    regions: Annotated[Path | None, given_by("FILE", "Write the outlines of the confidence regions of these targets (2D; "
                                                     "qupath, imagej or "
                                                     "napari).")] = None
    kind: Annotated[str, typer.Option(metavar="KIND", help="Of the regions: tre, lre or observation.")] = "tre"
    level: Annotated[float, typer.Option(metavar="LEVEL", help="Nominal level of the regions.")] = 0.95
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False

    @property
    def units(self) -> tuple[str | None, str | None]:
        """Of source and target."""
        return self.source_unit, self.target_unit

    @property
    def pixel_sizes(self) -> tuple[str | None, str | None]:
        """Of source and target."""
        return self.source_pixel, self.target_pixel


def convert(files: Sequence[Path], choices: Conversion) -> str:
    """Read one file or two, write the last, and say what was done; raises InputError for what cannot be converted."""
    from ..io.writing import writer_of

    if len(files) not in (2, 3):
        raise InputError(f"the number of files is {len(files)}: give one or two to read, then the one to write")
    *inputs, output = files
    writer = writer_of(output, choices.to)
    if output in inputs:
        raise InputError(f"{output} is both read and written: choose another name")
    if choices.space not in (None, "source", "target"):
        raise InputError(f"--space is {choices.space!r}: give source or target")
    if choices.regions is not None:
        return _write_regions(choices.regions, inputs, output, writer, choices)
    if writer.write is not None:
        return _convert_points(_sheet(inputs, choices), output, writer, choices)
    check_free(output, choices.force)
    ready = _transform(inputs[0]) if len(inputs) == 1 else None
    if ready is not None:
        return _write_transform(ready, output, writer, ("", ""), f"the transformation in {inputs[0]}", choices)
    return _write_registration(_registration(inputs, choices, centre=True), output, writer, choices)


def _sheet(inputs: Sequence[Path], choices: Conversion) -> Sheet:
    """The rows of the inputs, in lengths where the user gives pixel sizes."""
    from ..io.frame import in_pixels
    from ..io.reading import in_length, read_sheet
    from ..io.sheet import refusal

    columns = None if choices.columns is None else [name.strip() for name in choices.columns.split(",")]
    sheet = read_sheet(inputs[0], *inputs[1:], columns=columns, partial=choices.partial)
    if sheet.faults or not sheet.used:
        raise refusal(sheet.path, sheet.faults or ["it holds no point to use"])
    sides = [_with_unit(side, unit) if not in_pixels(side.unit) or size is None
             else in_length(side, _sizes(size), unit, f"the {space} of {sheet.path}")
             for side, unit, size, space in zip(sheet.sides, choices.units, choices.pixel_sizes, ("source", "target"),
                                                strict=False)]
    return sheet.replace(source=sides[0], target=sides[1] if len(sides) > 1 else None)


def _with_unit(side: Side, unit: str | None) -> Side:
    from ..io.columns import normal_unit

    return side if unit is None else replace(side, unit=normal_unit(unit))


def _sizes(text: str) -> list[float] | float:
    sizes = list(numbers_in(text))
    if not sizes:
        raise InputError(f"the pixel size {text!r} is no number: give one, or one for each of x, y[, z] with commas between "
                         "them")
    return sizes if len(sizes) > 1 else sizes[0]


def _convert_points(sheet: Sheet, output: Path, writer: Writer, choices: Conversion) -> str:
    from ..io.frame import in_pixels
    from ..io.writing import write_sheet

    pixel_sizes = [None if size is None or in_pixels(side.unit) or writer.unit != "px" else _sizes(size)
                   for side, size in zip(sheet.sides, choices.pixel_sizes, strict=False)]
    if choices.space is not None:
        if sheet.target is None:
            raise InputError(f"{sheet.path} holds points of one space: leave out --space")
        k = ("source", "target").index(choices.space)
        sheet, pixel_sizes = sheet.replace(source=sheet.sides[k], target=None, gate=None), pixel_sizes[k:k + 1]
    written = write_sheet(sheet, output, writer, pixel_sizes, force=choices.force)
    unused = len(sheet.lines) - len(sheet.used)
    what = "pairs" if sheet.target is not None else "points"
    return (f"{len(sheet.used)} {what}{f' and {unused} that are not used' if unused else ''} of {sheet.path} ({sheet.kind}) "
            f"written to {' and '.join(map(str, written))} ({writer.kind}).")


def _transform(path: Path) -> Transform | None:
    """The transformation that a file holds; None for a file of points."""
    from ..io.document import open_document
    from ..io.formats import opened, transform_reader_of
    from ..io.reading import read_transform

    return read_transform(path) if transform_reader_of(opened(open_document(path))) is not None else None


def _registration(inputs: Sequence[Path], choices: Conversion, *, centre: bool) -> RegistrationResult:
    """The registration of what the inputs hold, or the same with pixels counted as transformations do."""
    from ..io.origins import counted_from
    from ..io.sheet import pairs_of, refusal
    from ..io.writing import centred
    from ..records import is_record, load
    from ..results import fit

    saved = load(inputs[0]) if len(inputs) == 1 and is_record(inputs[0]) else None
    if saved is not None and choices.model is None and choices.noise is None and choices.pixel_sizes == (None, None):
        pairs = counted_from(saved.pairs, "centre") if centre else saved.pairs
        return saved if pairs is saved.pairs else fit(pairs, saved.model, saved.noise)
    sheet = _sheet(inputs, choices)
    if sheet.target is None:
        raise refusal(sheet.path, [f"it holds points of one space ({sheet.kind}), and a transformation needs pairs: give the "
                                   "file of the other space too"])
    pairs = pairs_of(centred(sheet) if centre else sheet, choices.units)
    return fit(pairs, choices.model or (saved.model if saved is not None else "rigid"),
               choices.noise or (saved.noise if saved is not None else "both"))


def _write_regions(targets: Path, inputs: Sequence[Path], output: Path, writer: Writer, choices: Conversion) -> str:
    """Fit, predict and write outlines in the target image."""
    from ..io import read_points
    from ..io.frame import in_pixels
    from ..io.origins import counted_alike
    from ..io.outlines import write_regions

    check_free(output, choices.force)
    result = _registration(inputs, choices, centre=False)
    points = read_points(targets)
    if choices.source_pixel is not None and in_pixels(points.unit):
        points = read_points(targets, pixel_size=_sizes(choices.source_pixel), unit=choices.source_unit)
    points = counted_alike(points, result.pairs, f"the targets in {targets}")
    region = result.predict(points.points, kind=choices.kind).region(level=choices.level)
    pairs = result.pairs
    size = None if choices.target_pixel is None or in_pixels(pairs.target_unit) else _sizes(choices.target_pixel)
    count = write_regions(region, output, writer.name, names=points.names, pixel_size=size, origin=pairs.target_origin,
                          force=choices.force)
    what = f"{count} {100 * choices.level:g} % regions ({choices.kind}) of the targets in {targets}"
    return f"{what}, by {_said(result)}, written to {output} ({writer.kind})."


def _said(result: RegistrationResult) -> str:
    pairs = result.pairs
    return f"the {result.model.card.name} registration of {pairs.n} pairs, {pairs.source_unit} to {pairs.target_unit}"


def _write_registration(result: RegistrationResult, output: Path, writer: Writer, choices: Conversion) -> str:
    from ..io.registration_json import registration_to_dict
    from ..records import dumps

    what, units = _said(result), (result.pairs.source_unit, result.pairs.target_unit)
    if writer.transform is not None:
        return _write_transform(result.transform, output, writer, units, what, choices)
    write_text(output, dumps(registration_to_dict(result)), force=choices.force)
    return f"{what[:1].upper()}{what[1:]}, written to {output}: both ways, with the covariance of the parameters."


def _write_transform(transform: Transform, output: Path, writer: Writer, units: tuple[str, str], what: str,
                     choices: Conversion) -> str:
    from ..io.writing import write_transform

    write_transform(transform, output, writer.name, units=units, remark=what, force=choices.force)
    return f"{what[:1].upper()}{what[1:]}, written to {output} ({writer.kind}): {writer.way}."
