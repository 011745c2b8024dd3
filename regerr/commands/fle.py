"""The command ``regerr fle``: how far repeated localisations scatter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import given_by

Files = Annotated[list[Path], typer.Argument(metavar="FILE", show_default=False,
                                             help="Files of the same points, one for each time they were localised.")]
Rater = Annotated[list[str] | None, given_by(
    "NAME", "Who placed each file, once per file in their order; or once for all a pattern that finds it in the file names, such "
            r"as 'Rater(\d+)'.  [default: one person]")]
Drift = Annotated[bool, typer.Option("--drift", help="Take out shifts of whole files, as when the stage moved between frames.")]
Beyond = Annotated[float | None, given_by("DISTANCE", "Leave out placements farther than this from the median of their point.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs instead of text.")]
Output = Annotated[list[Path] | None, given_by("FILE", "Write what is known of the noise (.json), or the mean places with their "
                                                       "s.d., to fit (.csv); may be repeated.")]


def fle(files: Files, rater: Rater = None, drift: Drift = False, beyond: Beyond = None,
        unit: Annotated[str | None, given_by("UNIT", "Unit of the files, where they do not say it.")] = None,
        columns: Annotated[str | None, given_by("A,B[,C]", "Columns of a table to take: x, y[, z].")] = None,
        output: Output = None, json: Json = False,
        force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False) -> None:
    """Tell how precisely points are localised, from two or more files of the same points.

    Example: regerr fle frame1.csv frame2.csv frame3.csv --drift --output beads.csv
    """
    from ..files import check_free
    from ..records import dumps
    from ..repeat_files import read_repeats
    from ..reporting.repeats import check_suffix

    for path in output or ():
        check_suffix(path)
        check_free(path, force)
    who = None if not rater else rater[0] if len(rater) == 1 else rater
    chosen = None if columns is None else [name.strip() for name in columns.split(",")]
    repeats = read_repeats(files, who, drift=drift, beyond=beyond, unit=unit, columns=chosen)
    typer.echo(dumps(repeats.to_dict()) if json else repeats.summary(), nl=not json)
    for path in output or ():
        repeats.save(path, force=force)
        typer.echo(f"Saved as {path}.", err=True)
