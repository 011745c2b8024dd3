"""The command ``regerr simulate``: one simulated dataset as files, to try a workflow on or to test another program with.

It writes ``pairs.csv`` (localised fiducials in both spaces), ``targets.csv`` (localised targets in the source) and
``truth.json`` (everything that a person with real images never knows).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from regerr.errors import InputError
from regerr.noise import Noise

from ._checks import check_count, check_dimension, check_not_negative
from ._files import write_together
from .experiment import Experiment, Observed
from .images.command import images
from .layouts import FIELD, Gathered, Grid, NearlyCollinear, OneSide, Ring, Uniform
from .poorest import Poorest
from .protocols import Layout, Truth
from .truths import Affine, Identity, Rigid, Similarity

app = typer.Typer(subcommand_metavar="[images]")

LAYOUTS: dict[str, Callable[[int, int], Layout]] = {
    "gathered": Gathered,
    "uniform": Uniform,
    "grid": lambda n, dimension: _regular_grid(n, dimension),
    "ring": Ring,
    "one-side": OneSide,
    "nearly-collinear": NearlyCollinear,
}
MODELS: dict[str, Callable[[int], Truth]] = {"identity": Identity, "rigid": Rigid, "similarity": Similarity, "affine": Affine}


@app.callback(invoke_without_command=True)
def simulate(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option(help="Folder for pairs.csv, targets.csv and truth.json; needed.")] = None,
    layout: Annotated[str, typer.Option(help=f"Where the fiducials lie: {', '.join(LAYOUTS)}.")] = "gathered",
    n: Annotated[int, typer.Option("--n", help="Number of fiducials.")] = 10,
    model: Annotated[str, typer.Option(help=f"The true transformation, drawn at random: {', '.join(MODELS)}.")] = "rigid",
    noise_sd: Annotated[float, typer.Option(help="S.d. per coordinate of the noise, in pixels of each space.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    dimension: Annotated[int, typer.Option(help="2 or 3.")] = 2,
    targets: Annotated[int, typer.Option(help="Number of targets, uniform over a field twice as wide as the image.")] = 100,
    poorest: Annotated[float | None, typer.Option(help="Of 2000 layouts take one poorer than this percentage.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Simulate matched fiducials and targets in a 512 pixel image (or cube), with a known truth.

    Example: regerr simulate --layout one-side --n 12 --model affine --noise-sd 1 --output example

    Images of beads instead: regerr simulate images --help
    """
    if context.invoked_subcommand is not None:
        return
    if output is None:
        raise InputError("--output is missing: name a folder for pairs.csv, targets.csv and truth.json")
    experiment = build(layout, n, model, noise_sd, dimension, targets, poorest)
    observed = experiment.sample(np.random.default_rng(check_count("--seed", seed, least=0)))
    truth = {"seed": seed, "layout": layout, "model": model, "noise_sd": noise_sd, "dimension": dimension, "poorest": poorest}
    write_together(output, files_of(observed, truth), force)
    typer.echo(f"Wrote {n} pairs to {output / 'pairs.csv'}, {targets} targets to {output / 'targets.csv'} "
               f"and what is true of them to {output / 'truth.json'}.")


app.command("images")(images)


def build(layout: str, n: int, model: str, noise_sd: float, dimension: int, targets: int,
          poorest: float | None = None) -> Experiment:
    """Build the experiment that the command's options describe; raises InputError with one sentence."""
    check_count("--n", n)
    check_count("--targets", targets)
    check_dimension(dimension)
    variance = check_not_negative("--noise-sd", noise_sd) ** 2
    points = _choose("layout", layout, LAYOUTS)(n, dimension)
    fiducials = points if poorest is None else Poorest(points, poorest)
    field = Uniform(targets, dimension, low=-FIELD / 2, high=1.5 * FIELD)
    return Experiment(fiducials, field, _choose("model", model, MODELS)(dimension),
                      Noise(source_covariance=variance, target_covariance=variance), redraw=True)


def files_of(observed: Observed, options: dict[str, Any]) -> dict[str, str]:
    """File names and contents of one dataset; coordinates are written in full."""
    pairs, targets = observed.pairs, observed.targets
    axes = "xyz"[:pairs.dimension]
    names = [f"target {i + 1}" for i in range(len(targets.source))]
    header = ["name", *(f"{a}_source" for a in axes), *(f"{a}_target" for a in axes)]
    truth = {
        "schema": 1, "options": options, "unit": "px", "transform": _transform(observed),
        "fiducials": {"names": pairs.names, "true_source": observed.true_source, "true_target": observed.true_target},
        "targets": {"names": names, "true_source": targets.true_source, "true_target": targets.true_target,
                    "localised_source": targets.source, "localised_target": targets.target},
    }
    return {"pairs.csv": _table(header, pairs.names, np.hstack([pairs.source, pairs.target])),
            "targets.csv": _table(["name", *axes], names, targets.source),
            "truth.json": json.dumps(truth, indent=1, default=np.ndarray.tolist) + "\n"}


def _transform(observed: Observed) -> dict[str, Any]:
    transform: Any = observed.true_transform
    return {"matrix": transform.matrix, "offset": transform.offset}


def _regular_grid(n: int, dimension: int) -> Grid:
    side = round(n ** (1 / dimension))
    if side**dimension != n:
        power, near = {2: "square", 3: "cube"}[dimension], max(side, 2) ** dimension
        raise InputError(f"--n is {n} and a grid in {dimension}D needs a {power} number: give {near} for instance")
    return Grid((side,) * dimension)


def _choose(option: str, name: str, table: dict[str, Any]) -> Any:
    if name not in table:
        raise InputError(f"--{option} is {name!r}: give one of {', '.join(table)}")
    return table[name]


def _table(header: list[str], names: Iterable[str], points: np.ndarray) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([name, *row] for name, row in zip(names, points.tolist(), strict=True))
    return out.getvalue()
