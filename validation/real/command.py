"""The command ``regerr study real``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def real(
    output: Annotated[Path, typer.Option(help="Folder of results; the study writes into a folder of its own name in it.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the data sets; public ones are fetched without it.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few points and cases, in seconds: to try things out.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only questions whose data set or name holds this; repeatable.")] = None,
) -> None:
    """Coverage on public measured data: left-out pairs, and registrations that predict other fields, raters or cases.

    Example: regerr study real --output results --data data
    """
    from regerr.errors import InputError

    from ..progress import Progress
    from .cases import QUICK, Size
    from .sets import QUESTIONS
    from .study import run, write

    chosen = [q for q in QUESTIONS if not only or any(word in f"{q.dataset}: {q.name}" for word in only)]
    if not chosen:
        raise InputError(f"no question holds {' or '.join(map(repr, only or ()))}: use a part of one of "
                         f"{'; '.join(f'{q.dataset}: {q.name}' for q in QUESTIONS)}")
    if data is not None and not data.is_dir():
        raise InputError(f"{data} is no folder: give the one that holds the data sets")
    with Progress("study real") as progress:
        found, skipped = run(data, QUICK if quick else Size(), chosen, report_progress=progress)
    typer.echo(write(found, skipped, output / "real"), nl=False)
    typer.echo(f"Tables are in {output / 'real'}: coverage.csv per question, family, estimator, level; "
               "cases.csv per registration; hits.parquet per point.")
