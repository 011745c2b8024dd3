"""The command ``regerr study chain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..shell import aligned, check_counts, check_libraries, check_share, going_on

if TYPE_CHECKING:
    import pandas as pd


def chain(
    output: Annotated[Path, typer.Option(help="Folder of results; the study writes into the folder chain in it.")],
    quick: Annotated[bool, typer.Option("--quick", help="A few pairs of images of each cell: to try things out.")] = False,
    share: Annotated[float, typer.Option(help="A share of all pairs of images.")] = 1.0,
    workers: Annotated[int | None, typer.Option(help="Processes, one per core by default; the numbers stay the same.")] = None,
) -> None:
    """From two images to regions: coverage at beads that were held out, what wrong pairs cost, wrong answers without a warning.

    Example: regerr study chain --output results
    """
    check_share(share)
    check_counts(workers=workers)
    check_libraries()
    from .running import run, silent
    from .study import study

    folder = output / "chain"
    with going_on("study chain", folder / "cells") as progress:
        table = run(study(quick).part(share) if share < 1 else study(quick), folder, workers, progress)
    typer.echo(short(table))
    typer.echo(silent(table))
    typer.echo(f"The table is in {folder}: chain.csv, one row per cell and way.")


def short(table: pd.DataFrame) -> str:
    """One line per cell and way, as text."""
    lines: list[tuple[str, ...]] = [("images", "model", "way", "accepted", "pairs", "tre", "observation", "rms", "told", "wrong",
                                     "silent", "verdict")]
    for row in table.to_dict("records"):
        lines.append((f"{row['title']}, {row['dimension']}D", str(row["model"]), str(row["way"]), f"{row['accepted']:.3f}",
                      f"{row['pairs']:.1f}", f"{row['tre']:.3f} ± {row['tre_se']:.3f}",
                      f"{row['observation']:.3f} ± {row['observation_se']:.3f}", f"{row['rms']:.3g}", f"{row['told']:.3g}",
                      f"{row['wrong']:.4f}", f"{row['silent']:.4f}", str(row["verdict"])))
    return "\n".join(aligned(lines))
