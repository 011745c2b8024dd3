"""The command ``regerr study detection``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regerr.errors import InputError, MissingExtraError

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
    if not 0 < share <= 1:
        raise InputError(f"the share of images is {share:g}: give a number above 0 and at most 1")
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}: give at least 1")
    missing = [name for name in ("pandas", "pyarrow", "joblib", "skimage") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"a study needs {', '.join(missing)}: install them with pip install 'regerr[study,mesh]'")
    from ..progress import Progress
    from .cells import study
    from .running import run

    folder = output / "detection"
    with Progress("study detection") as progress:
        try:
            table = run(study(quick).part(share) if share < 1 else study(quick), folder, workers, progress)
        except KeyboardInterrupt:
            typer.echo(f"Stopped. What is done is kept in {folder / 'cells'}: the same command goes on there.", err=True)
            raise typer.Exit(130) from None
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
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _judged(value: object, error: object, verdict: object) -> str:
    return f"{value:.3f} ± {error:.3f} {verdict}" if value == value else "-"
