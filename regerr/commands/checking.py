"""The commands ``regerr check`` and ``regerr audit``, and options about what to believe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .numbers import numbers_in
from .options import Fitting, Input, given_by, shared

if TYPE_CHECKING:
    from ..pairs import FiducialPairs
    from ..results import RegistrationResult
    from ..scales import ScaleTest

Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs instead of text.")]
Given = Annotated[Path | None, given_by("FILE", "Test this transformation against the landmarks instead of fitting one: a JSON "
                                                "that regerr saved, a matrix as text (3x3 or 4x4), ITK .tfm, elastix, ec-CLEM.")]
Pixel = Annotated[str | None, given_by("SIZE", "Pixel size of the coordinates: numbers in pixels and in units are both tried.")]


@shared
def check(given: Input, fitting: Fitting, transform: Given = None,
          fle: Annotated[float | None, given_by("LENGTH", "With --transform: known r.m.s. FLE of a pair, target units.")] = None,
          json: Json = False) -> None:
    """Say whether a registration can be believed: at most two reasons to doubt it, and one thing to do.

    Exit code 1 when there is reason to doubt it, 0 when nothing was found.

    Example: regerr check beads.csv --model affine

    Example: regerr check landmarks.csv --transform registration.tfm --fle 0.3
    """
    from ..records import dumps

    if fle is not None and transform is None:
        raise InputError("--fle is for a given transformation: give one with --transform, or the noise with --noise-sd")
    pairs = given.without_excluded(given.read())
    found: Any = _of_fit(given, fitting, pairs) if transform is None else _of_transform(given, fitting, pairs, transform, fle)
    typer.echo(dumps(found.to_dict()) if json else str(found), nl=not json)
    doubtful = not found.sound if transform is None else found.doubtful
    if doubtful:
        raise typer.Exit(1)


def _of_fit(given: Input, fitting: Fitting, pairs: FiducialPairs) -> Any:
    from ..checking import check as look

    return look(pairs, fitting.chosen(given), fitting.assumed(given))


def _of_transform(given: Input, fitting: Fitting, pairs: FiducialPairs, path: Path, fle: float | None) -> Any:
    from ..given import check_transform
    from ..transform_files import read_given

    return check_transform(pairs, read_given(path, swap=given.swap), fitting.model or "similarity", fitting.assumed(given), fle)


@shared
def audit(given: Input,
          fre: Annotated[str | None, given_by("NUMBER", "What the other program calls FRE, as it was printed.")] = None,
          tre: Annotated[str | None, given_by("NUMBER", "What it calls TRE.")] = None,
          reported: Annotated[list[str] | None, given_by("NAME=NUMBER", "Any other number; may be repeated.")] = None,
          column: Annotated[list[str] | None, given_by("NAME", "A column of FILE that holds a number for each pair; may be "
                                                               "repeated.")] = None,
          pixel_size: Pixel = None,
          transform: Annotated[Path | None, given_by("FILE", "The transformation that the program used.")] = None,
          json: Json = False) -> None:
    """Recompute what another program reported of these pairs, and say which definition it used.

    Example: regerr audit results.csv --fre 0.07 --reported "RMS deviation=0.066" --pixel-size 0.108
    """
    from ..auditing import audit as recompute
    from ..records import dumps
    from ..transform_files import read_given

    numbers = {name: value for name, value in (("FRE", fre), ("TRE", tre)) if value is not None}
    numbers |= dict(_named(text) for text in reported or ())
    if not numbers and not column:
        raise InputError("no reported number was given: give some, such as --fre 0.07")
    found = recompute(given.without_excluded(given.read()), numbers,
                      columns={name: _column(given, name) for name in column or ()},
                      pixel_size=None if pixel_size is None else ratio("--pixel-size", pixel_size),
                      transform=None if transform is None else read_given(transform, swap=given.swap))
    typer.echo(dumps(found.to_dict()) if json else str(found), nl=not json)


def expected_scale(given: Input, fitting: Fitting, pairs: FiducialPairs, text: str | None) -> ScaleTest | None:
    """The test that ``--expect-scale`` asks for."""
    from ..scales import compare_scale

    return None if text is None else compare_scale(pairs, ratio("--expect-scale", text), fitting.assumed(given))


def without_outliers(result: RegistrationResult) -> tuple[RegistrationResult, list[str]]:
    """What ``--remove-outliers`` leaves, and the names of what it removed."""
    from ..outliers import remove_outliers

    left = remove_outliers(result)
    return left, [name for name in result.pairs.names if name not in left.pairs.names]


def ratio(option: str, text: str) -> float:
    """A positive number, or one over another: "0.108", "0.65/0.108"."""
    numbers = numbers_in(text, "/")
    if len(numbers) not in (1, 2) or min(numbers) <= 0:
        raise InputError(f"{option} is {text!r}: give a positive number, or one over another, such as 0.65/0.108")
    return numbers[0] if len(numbers) == 1 else numbers[0] / numbers[1]


def _column(given: Input, name: str) -> list[str]:
    """The cells of a column of the file of pairs."""
    from ..io.document import open_document
    from ..io.table import split

    table = split(open_document(given.file))
    header = table.rows[0].cells
    if name not in header:
        raise InputError(f"{given.file}: there is no column {name!r}: its columns are {', '.join(map(repr, header[:10]))}")
    return [row.cells[header.index(name)] for row in table.rows[1:]]


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name.strip():
        raise InputError(f"--reported is {text!r}: give a name and a number, such as 'RMS=0.07'")
    return name.strip(), value.strip()
