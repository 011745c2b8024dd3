"""Two tables for pictures: a map of expected and found TRE, and one dataset with regions and the beads that were held out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import regerr
from regerr.noise import Noise
from simulations import Experiment, Gathered, Grid, Observed, Rigid, Uniform
from simulations.layouts import FIELD

from .analysis import analyse
from .estimators import Registration
from .study import Scenario, Study
from .sums import merged
from .tables import per_target

_LOW, _HIGH = -FIELD / 2, 1.5 * FIELD
_PIXELS = 41


def expected_tre_map(quick: bool = False) -> pd.DataFrame:
    """Root mean square TRE over the field: what was found over replicates beside what the estimators expect.

    Returns
    -------
    Columns role (pixel, fiducial), estimator, label, x, y (source, px), distance (to the nearest fiducial), rms_tre, rms_tre_se,
    expected_rms_tre, efficiency. One layout of 10 gathered fiducials, noise 1 px in both spaces; fiducials have x and y alone.
    """
    side = 9 if quick else _PIXELS
    experiment = Experiment(Gathered(10), Grid((side, side), low=_LOW, high=_HIGH), Rigid(), _noise(1.0), scene_seed=2021)
    estimators = (Registration("rigid", "both", "wald", "rigid-wald", "rigid"),
                  Registration("affine", "full", "wald", "affine-wald", "affine"))
    scenario = Scenario({"n": 10}, experiment, estimators, ("tre",), truth="rigid")
    study = Study("map", "map", (scenario,), replicates=100 if quick else 2_000, chunk=200)
    table = per_target(study, {scenario.identity: merged(analyse(chunk) for chunk in study.chunks())})
    pixels = table[["estimator", "label", "x", "y", "distance", "rms_tre", "rms_tre_se", "expected_rms_tre", "efficiency"]]
    x, y = experiment.scene.source.T
    return pd.concat([pixels.assign(role="pixel"), pd.DataFrame({"role": "fiducial", "x": x, "y": y})], ignore_index=True)


def held_out_beads(quick: bool = False) -> pd.DataFrame:
    """One simulated dataset in the target image: fiducials, predictions with 95 % regions, and where held-out beads landed.

    Returns
    -------
    Columns role (fiducial, landing, prediction, boundary), estimator, label, bead, piece, vertex, x, y (target, px), inside (of a
    prediction: whether the bead landed in its region). Boundaries are closed curves, ``piece`` counts those of one region and
    ``vertex`` goes along them. Noise 3 px in both spaces, 8 gathered fiducials.
    """
    experiment = Experiment(Gathered(8), Uniform(30, low=_LOW, high=_HIGH), Rigid(max_angle=10.0, shift=10.0), _noise(3.0),
                            scene_seed=2021)
    observed = experiment.sample(np.random.default_rng(2021))
    rows = [*_points("fiducial", observed.pairs.target), *_points("landing", observed.targets.target)]
    for estimator in (Registration("rigid", "both", "score", "rigid-score", "rigid, score"),
                      Registration("rigid", "both", "wald", "rigid-wald", "rigid, first order (published)")):
        rows += [{"estimator": estimator.name, "label": estimator.label, **row}
                 for row in _regions(estimator, observed, 24 if quick else 96)]
    columns = ["role", "estimator", "label", "bead", "piece", "vertex", "x", "y", "inside"]
    return pd.DataFrame(rows, columns=columns)


def _noise(sd: float) -> Noise:
    return Noise(source_covariance=sd**2, target_covariance=sd**2)


def _points(role: str, points: np.ndarray) -> Iterator[dict[str, Any]]:
    for i, (x, y) in enumerate(points.tolist()):
        yield {"role": role, "bead": i, "x": x, "y": y}


def _regions(estimator: Registration, observed: Observed, resolution: int) -> Iterator[dict[str, Any]]:
    result = regerr.fit(observed.pairs, estimator.model, estimator.noise)
    prediction = result.predict(observed.targets.source, "observation")
    region = prediction.region(0.95, estimator.method)
    for row, inside in zip(_points("prediction", prediction.mean), region.contains(observed.targets.target), strict=True):
        yield {**row, "inside": bool(inside)}
    for bead, curves in enumerate(region.boundary(resolution)):
        for piece, curve in enumerate(curves):
            for vertex, (x, y) in enumerate(curve.tolist()):
                yield {"role": "boundary", "bead": bead, "piece": piece, "vertex": vertex, "x": x, "y": y}
