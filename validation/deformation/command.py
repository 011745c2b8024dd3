"""The command ``regerr study deformation``."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regerr.errors import InputError, MissingExtraError

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
    _check(replicates=replicates, workers=workers)
    from ..progress import Progress
    from .cells import study
    from .running import run

    declared = study(quick)
    if replicates is not None:
        declared = replace(declared, replicates=replicates)
    folder = output / "deformation"
    with Progress("study deformation") as progress:
        try:
            table = run(declared, folder, workers, progress)
        except KeyboardInterrupt:
            typer.echo(f"Stopped. What is done is kept in {folder / 'cells'}: the same command goes on there.", err=True)
            raise typer.Exit(130) from None
    typer.echo(sizes(table))
    typer.echo(f"The table is in {folder}: rejections.csv, with the power of every test.")


def _check(**counts: int | None) -> None:
    """What a run needs: numbers from 1, and the libraries of the study extra."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}: give at least 1")
    missing = [name for name in ("pandas", "pyarrow", "joblib") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"a study needs {', '.join(missing)}: install them with pip install 'regerr[study]'")


def sizes(table: pd.DataFrame) -> str:
    """How often each test rejects true nulls at 5 %, over the cells of each block, as text."""
    rows = table[table["null"] & (table["level"] == 0.05) & (table["block"] != "power")]
    lines = [("block", "test", "rejects, at 5 %", "s.e.", "verdicts")]
    for (block, test), part in rows.groupby(["block", "test"], sort=False):
        counts = part["verdict"].value_counts()
        said = ", ".join(f"{word} {counts[word]}" for word in ("holds", "too often", "too rarely", "undecided") if word in counts)
        lines.append((str(block), str(test), f"{part['rejected'].min():.3f} to {part['rejected'].max():.3f}",
                      f"{part['rejected_se'].max():.4f}", said))
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines)
