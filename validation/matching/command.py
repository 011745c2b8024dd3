"""The command ``regerr study matching``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..shell import aligned, check_counts, check_libraries, going_on

if TYPE_CHECKING:
    import pandas as pd


def matching(
    output: Annotated[Path, typer.Option(help="Folder of results; the study writes into the folder matching in it.")],
    quick: Annotated[bool, typer.Option("--quick", help="A few cases of each cell: to try things out.")] = False,
    replicates: Annotated[int | None, typer.Option(help="Cases per cell, in place of the declared number.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes, one per core by default; the numbers stay the same.")] = None,
) -> None:
    """Matching of unknown pairs: how often it succeeds, how many pairs are right, what it accepts by mistake.

    Example: regerr study matching --output results
    """
    check_counts(replicates=replicates, workers=workers)
    check_libraries()
    from .running import run
    from .study import study

    declared = study(quick)
    if replicates is not None:
        declared = replace(declared, replicates=replicates)
    folder = output / "matching"
    with going_on("study matching", folder / "cells") as progress:
        table = run(declared, folder, workers, progress)
    typer.echo(short(table))
    typer.echo(f"The table is in {folder}: matching.csv, one row per cell.")


def short(table: pd.DataFrame) -> str:
    """One line per cell, as text."""
    heads = ("points", "model", "accepted", "success", "precision", "coverage", "of true pairs", "seconds", "claims", "verdict")
    lines: list[tuple[str, ...]] = [heads]
    for row in table.to_dict("records"):
        where = row["layout"] if row["missing"] != row["missing"] else f"{row['missing']:.0%} missing, noise {row['noise']:g}"
        lines.append((f"{row['dimension']}D, n = {row['n']}, {where}", str(row["model"]), f"{row['accepted']:.3f}",
                      *(_number(row[name]) for name in ("success", "precision", "coverage_found", "coverage_true")),
                      f"{row['seconds']:.2f}", str(row["claims"]), str(row["verdict"])))
    return "\n".join(aligned(lines))


def _number(value: float) -> str:
    return "" if value != value else f"{value:.3f}"
