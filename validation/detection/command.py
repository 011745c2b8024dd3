"""The command ``regerr study detection``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..shell import aligned, check_counts, check_libraries, check_share, going_on

if TYPE_CHECKING:
    import pandas as pd


def detection(
    output: Annotated[Path, typer.Option(help="Folder of results; the study writes into the folder detection in it.")],
    quick: Annotated[bool, typer.Option("--quick", help="Two images of each cell, in less than a minute.")] = False,
    share: Annotated[float, typer.Option(help="A share of all images.")] = 1.0,
    workers: Annotated[int | None, typer.Option(help="Processes, one per core by default; the numbers stay the same.")] = None,
) -> None:
    """Beads in simulated images: precision over the Cramer-Rao bound, covariances told, recall, false spots.

    Example: regerr study detection --output results
    """
    check_share(share)
    check_counts(workers=workers)
    check_libraries("skimage", extras="study,mesh")
    from .cells import study
    from .running import run

    folder = output / "detection"
    with going_on("study detection", folder / "cells") as progress:
        table = run(study(quick).part(share) if share < 1 else study(quick), folder, workers, progress)
    typer.echo(short(table))
    typer.echo(f"The table is in {folder}: detection.csv.")


def short(table: pd.DataFrame) -> str:
    """One line for each cell and detector."""
    lines = [("block", "d", "photons", "background", "contrast", "detector", "recall", "false", "rms px", "over bound",
              "told/seen")]
    for row in table.itertuples():
        lines.append((str(row.block), str(row.dimension), str(row.photons), f"{row.background:g}", f"{row.contrast:g}",
                      str(row.detector), f"{row.recall:.3f}", f"{row.false_spots:.2f}", f"{row.rms:.4f}",
                      _judged(row.precision, row.precision_se, row.precision_verdict),
                      _judged(row.calibration, row.calibration_se, row.calibration_verdict)))
    return "\n".join(aligned(lines))


def _judged(value: object, error: object, verdict: object) -> str:
    return f"{value:.3f} ± {error:.3f} {verdict}" if value == value else "-"
