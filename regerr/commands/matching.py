"""The command ``regerr match``: which points of two files are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..errors import InputError
from .options import given_by

if TYPE_CHECKING:
    from ..matching import Matching, SurfaceMatching

Found = TypeVar("Found", "Matching", "SurfaceMatching")
Source = Annotated[Path, typer.Argument(metavar="A", show_default=False, help="Points of the source, in any format that is "
                                                                              "read.")]
Target = Annotated[Path, typer.Argument(metavar="B", show_default=False, help="Points of the target.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]


def match(
    a: Source, b: Target,
    model: Annotated[str, typer.Option(metavar="MODEL", help="rigid (both in one unit), similarity or affine.")] = "rigid",
    output: Annotated[Path | None, given_by("FILE", "Write the pairs, for regerr fit; points without a partner are listed too.")]
    = None,
    scale: Annotated[str | None, given_by("LOW,HIGH", "Bounds on the scale of a similarity or affine map, target units per "
                                                      "source unit.")] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Try mirrored alignments too.")] = False,
    outline: Annotated[bool, typer.Option("--outline", help="B holds the corners of a closed outline, in order, and the points "
                                                            "of A lie on it (2D); FILE is then a transformation.")] = False,
    json: Json = False, force: Force = False,
) -> None:
    """Find which points of two files are the same, from their coordinates alone, or say that chance could do as well.

    Exit code 1 when the matching is refused; nothing is written then.

    Example: regerr match em_beads.csv lm_beads.csv --model similarity --output pairs.csv
    """
    from ..files import check_free
    from ..io import read_points
    from ..matching import match as matched
    from ..matching import match_surface

    if output is not None:
        check_free(output, force)
    bounds, points, others = _bounds(scale), read_points(a), read_points(b)
    if outline:
        _finish(match_surface(points, others, model, scale=bounds, mirror=mirror), json, output, _write_transform, force)
    else:
        _finish(matched(points, others, model, scale=bounds, mirror=mirror), json, output, _write_pairs, force)


def _finish(found: Found, json: bool, output: Path | None, write: Callable[[Found, Path, bool], Iterable[Path]],
            force: bool) -> None:
    """Print what was found, and write it if it may be used; exit code 1 if not."""
    from ..records import dumps

    typer.echo(dumps(found.to_dict()) if json else str(found), nl=False)
    if not found.accepted:
        raise typer.Exit(1)
    for path in write(found, output, force) if output is not None else ():
        typer.echo(f"Saved as {path}.", err=True)


def _write_pairs(found: Matching, output: Path, force: bool) -> Iterable[Path]:
    from ..io import write_pairs

    return write_pairs(found.pairs, output, force=force)


def _write_transform(found: SurfaceMatching, output: Path, force: bool) -> Iterable[Path]:
    from ..io import write_transform

    return (write_transform(found.transform, output, units=(found.source_unit, found.target_unit), force=force),)


def _bounds(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--scale is {text!r}: give two bounds, such as 0.5,2") from None
    return low, high
