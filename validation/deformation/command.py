"""The command ``regerr study deformation``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..shell import aligned, check_counts, check_libraries, going_on

if TYPE_CHECKING:
    import pandas as pd


def deformation(
    output: Annotated[Path, typer.Option(help="Folder of results; the study writes into the folder deformation in it.")],
    quick: Annotated[bool, typer.Option("--quick", help="Few datasets of a part of the cells, in seconds.")] = False,
    replicates: Annotated[int | None, typer.Option(help="Datasets per cell, in place of the declared number.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes, one per core by default; the numbers stay the same.")] = None,
) -> None:
    """Tests of deformation: how often they reject what is true, and what is not.

    Example: regerr study deformation --output results
    """
    check_counts(replicates=replicates, workers=workers)
    check_libraries()
    from .cells import study
    from .running import run

    declared = study(quick)
    if replicates is not None:
        declared = replace(declared, replicates=replicates)
    folder = output / "deformation"
    with going_on("study deformation", folder / "cells") as progress:
        table = run(declared, folder, workers, progress)
    typer.echo(sizes(table))
    typer.echo(f"The table is in {folder}: rejections.csv, with the power of every test.")


def sizes(table: pd.DataFrame) -> str:
    """How often each test rejects true nulls at 5 %, over the cells of each block, as text."""
    rows = table[table["null"] & (table["level"] == 0.05) & (table["block"] != "power")]
    lines = [("block", "test", "rejects, at 5 %", "s.e.", "verdicts")]
    for (block, test), part in rows.groupby(["block", "test"], sort=False):
        counts = part["verdict"].value_counts()
        said = ", ".join(f"{word} {counts[word]}" for word in ("holds", "too often", "too rarely", "undecided") if word in counts)
        lines.append((str(block), str(test), f"{part['rejected'].min():.3f} to {part['rejected'].max():.3f}",
                      f"{part['rejected_se'].max():.4f}", said))
    return "\n".join(aligned(lines))
