"""The command ``regerr study``: run a declared study, write its tables, print what was decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .chain.command import chain
from .deformation.command import deformation
from .detection.command import detection
from .matching.command import matching
from .real.command import real
from .shell import check_libraries, going_on
from .studies import STUDIES, TITLES
from .study import Study
from .user_file import FromFile

if TYPE_CHECKING:
    from .runner import Workers

app = typer.Typer(no_args_is_help=True, add_completion=False,
                  help="Run a Monte Carlo study of coverage, size and precision; an interrupted one goes on.")


def _command(name: str) -> Callable[..., None]:
    def run_study(
        output: Annotated[Path, typer.Option(help="Folder of results; the study writes into a folder of its own name in it.")],
        quick: Annotated[bool, typer.Option("--quick", help="Few replicates, in seconds: to try things out.")] = False,
        replicates: Annotated[int | None, typer.Option(help="Datasets per scenario, in place of the declared number.")] = None,
        share: Annotated[float, typer.Option(help="A share of all declared replicates, those of slow estimators and of measured "
                                                  "regions among them: 0.1 takes a tenth of the time.")] = 1.0,
        workers: Annotated[int | None,
                           typer.Option(help="Processes, one per core by default; the numbers stay the same.")] = None,
        estimator: Annotated[list[Path] | None, typer.Option(help="Python file with your own estimator; repeatable.")] = None,
        backend: Annotated[str, typer.Option(help="loky: processes on this machine; dask: a cluster.")] = "loky",
        scheduler: Annotated[str | None, typer.Option(help="Address of the Dask scheduler.")] = None,
    ) -> None:
        check_libraries()
        from .runner import Workers

        study = STUDIES[name](quick).part(share)
        if replicates is not None:
            study = replace(study, replicates=replicates)
        study = study.joined_by(*(FromFile(str(path)) for path in estimator or ()))
        _perform(study, output / name, Workers(workers, backend, scheduler), quick)

    run_study.__doc__ = f"{TITLES[name]}.\n\nExample: regerr study {name} --output results"
    return run_study


def _perform(study: Study, folder: Path, workers: Workers, quick: bool) -> None:
    from .outputs import short_table, write_tables
    from .runner import run

    with going_on(f"study {study.name}", folder / "chunks") as progress:
        run(study, folder, workers, progress)
    summary = write_tables(study, folder, quick)
    typer.echo(short_table(study, summary))
    typer.echo(f"Tables are in {folder}: summary.csv and verdicts.csv per scenario, coverage.csv per target.")


for _name in STUDIES:
    app.command(_name)(_command(_name))
app.command()(real)
app.command("chain")(chain)
app.command("deformation")(deformation)
app.command("detection")(detection)
app.command("matching")(matching)
