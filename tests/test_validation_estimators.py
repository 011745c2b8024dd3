"""Estimators of studies: our own, the leave-one-out disk, a user's from a file; a region made too small is found out."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import regerr
from regerr.baselines.leave_one_out import leave_one_out
from regerr.errors import InputError, UndeterminedError
from regerr.noise import Noise
from simulations import Experiment, Gathered, Rigid, Uniform
from validation.estimators import LeaveOneOutDisk, Registration
from validation.runner import Workers, collect, run
from validation.study import Margins, Scenario, Study
from validation.tables import per_scenario
from validation.user_file import FromFile

EXPERIMENT = Experiment(Gathered(10), Uniform(20, low=-256, high=768), Rigid(),
                        Noise(source_covariance=1.0, target_covariance=1.0))

CIRCLES = '''
import numpy as np
import regerr

class Circles:
    name, label = "circles", "circles of 2 FRE"

    def predict(self, pairs, targets, kind):
        result = regerr.fit(pairs, "rigid", on_failure="mark")
        self_made = Prediction()
        self_made.mean = result.transform.apply(targets)
        self_made.rms = np.broadcast_to(2 * result.fre_rms[..., None], self_made.mean.shape[:-1])
        return self_made

class Prediction:
    def region(self, level):
        self.volume = np.pi * self.rms**2
        return self

    def contains(self, points):
        return np.linalg.norm(points - self.mean, axis=-1) <= self.rms

estimator = Circles()
'''


# Ours


@pytest.mark.parametrize("method", ["score", "likelihood-ratio", "wald"])
def test_a_registration_is_what_regerr_answers(method):
    observed = EXPERIMENT.sample(np.random.default_rng(1), (40,))
    y = observed.targets.target
    answer = Registration("rigid", "both", method).predict(observed.pairs, observed.targets.source, "observation")
    own = regerr.fit(observed.pairs).predict(observed.targets.source, "observation")
    assert np.array_equal(answer.region(0.9).contains(y), own.region(0.9, method).contains(y))
    assert np.array_equal(answer.mean, own.mean) and np.array_equal(answer.rms, own.rms)
    assert np.array_equal(answer.p_value(y), own.p_value(y, method))


def test_registrations_know_their_kinds_and_names():
    assert Registration("affine", "full").kinds == ("tre", "observation")
    assert Registration("rigid").kinds == ("tre", "lre", "observation")
    assert Registration("rigid").name == "rigid-both-score" and not Registration("rigid").closed_form_volume
    assert Registration("affine", "target").closed_form_volume and Registration("rigid", method="wald").closed_form_volume
    assert " " not in Registration("affine", Noise(2.0)).name
    for wrong in ({"model": "elastic"}, {"model": "rigid", "method": "guess"}):
        with pytest.raises(InputError, match="unknown"):
            Registration(**wrong)


# The leave-one-out disk


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize(("model", "noise"), [("rigid", "both"), ("affine", "full"), ("affine", "both")])
def test_the_disk_is_the_percentile_of_distances_by_a_loop(model, noise, dimension):
    rng = np.random.default_rng(2)
    x = 20 * rng.standard_normal((3, 12, dimension))
    y = x + rng.standard_normal(x.shape)
    targets = rng.uniform(-100, 100, (4, dimension))
    region = leave_one_out(regerr.fit(regerr.FiducialPairs(x, y), model, noise), targets).region(0.95)
    for i in range(3):
        distances = []
        for j in range(12):
            others = np.delete(np.arange(12), j)
            fit = regerr.fit(regerr.FiducialPairs(x[i, others], y[i, others]), model, noise)
            distances.append(np.linalg.norm(y[i, j] - fit.transform.apply(x[i, j][None])[0]))
        radius = np.percentile(distances, 95)
        assert np.isclose(region.radius[i, 0], radius, rtol=1e-9)
        content = np.pi * radius**2 if dimension == 2 else 4 / 3 * np.pi * radius**3
        assert np.allclose(region.volume[i], content, rtol=1e-9)
    step = np.zeros(dimension)
    step[0] = 1.0
    for factor, inside in ((1 - 1e-9, True), (1 + 1e-9, False)):
        assert (region.contains(region.mean + factor * region.radius[..., None] * step) == inside).all()
    assert np.allclose(region.excess(region.mean + region.radius[..., None] * step), 1) and region.bounded.all()


def test_disks_are_drawn_for_one_dataset_in_the_plane():
    rng = np.random.default_rng(3)
    x = 20 * rng.standard_normal((9, 2))
    result = regerr.fit(regerr.FiducialPairs(x, x + rng.standard_normal(x.shape)))
    region = leave_one_out(result, [[50.0, 0.0], [0.0, 9.0]]).region()
    curves = region.boundary(32)
    assert len(curves) == 2 and curves[0][0].shape == (33, 2) and np.allclose(curves[0][0][0], curves[0][0][-1])
    assert np.allclose(region.excess(np.stack([c[0][5] for c in curves])), 1)
    with pytest.raises(InputError, match="drawn for one dataset"):
        leave_one_out(regerr.fit(regerr.FiducialPairs(x[None], x[None] + rng.standard_normal((1, 9, 2)))), x).region().boundary()


def test_balls_are_drawn_as_closed_meshes():
    """All vertices on the sphere, volume by the divergence theorem a little below the ball's, every edge in two faces."""
    rng = np.random.default_rng(3)
    x = 20 * rng.standard_normal((9, 3))
    region = leave_one_out(regerr.fit(regerr.FiducialPairs(x, x + rng.standard_normal(x.shape))), [[50.0, 0.0, 1.0]]).region()
    (mesh,) = region.boundary(40)
    assert np.allclose(np.linalg.norm(mesh.vertices - region.mean[0], axis=1), region.radius)
    a, b, c = np.moveaxis((mesh.vertices - region.mean[0])[mesh.faces], 1, 0)
    assert 0.97 < np.einsum("fd,fd->", a, np.cross(b, c)) / 6 / region.volume[0] < 1
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_pairs_that_others_cannot_predict_and_fits_that_fail():
    """Three fiducials on a line and one off it: without the latter no affine fit, so its distance is infinite."""
    x = np.array([[0.0, 0], [10, 0], [20, 0], [5, 30], [35, 0]])
    y = x + 0.1 * np.random.default_rng(4).standard_normal(x.shape)
    flat = x * [1.0, 0.0]
    result = regerr.fit(regerr.FiducialPairs(np.stack([x, flat]), np.stack([y, y])), "affine", "target", on_failure="mark")
    prediction = leave_one_out(result, [[1.0, 1.0]])
    assert np.isinf(prediction.distances[0]).sum() == 1 and np.isnan(prediction.distances[1]).all()
    region = prediction.region(0.95)
    assert np.isinf(region.volume[0, 0]) and not region.bounded[0, 0] and np.isfinite(prediction.region(0.5).volume[0, 0])
    assert region.contains(np.full((2, 1, 2), 1e9)).tolist() == [[True], [False]]
    with pytest.raises(UndeterminedError, match="leaving one of 2 pairs out"):
        leave_one_out(regerr.fit(regerr.FiducialPairs(x[:2], y[:2])), x)


def test_the_disk_fails_away_from_the_fiducials():
    """Theory, section 15: rigid n = 25, .919 among the fiducials and .565 over the field."""
    far = replace(EXPERIMENT, layout=Gathered(25), redraw=True)
    near = replace(far, targets=Gathered(20))
    for experiment, expected in ((near, 0.919), (far, 0.565)):
        observed = experiment.sample(np.random.default_rng(5), (2_000,))
        inside = LeaveOneOutDisk("rigid").predict(observed.pairs, observed.targets.source, "observation").region(0.95).contains(
            observed.targets.target)
        error = np.hypot(inside.mean(1).std() / np.sqrt(2_000), 0.006)
        assert abs(inside.mean() - expected) < 4 * error


# A region that is too small


@dataclass(frozen=True)
class Claims:
    """Claims 95 % for a region of another level."""

    name: str
    level: float
    label: str = "claims"
    model: str = "rigid"

    def predict(self, pairs, targets, kind):
        return _Claim(Registration("rigid", "both", "wald").predict(pairs, targets, kind), self.level)


@dataclass(frozen=True, eq=False)
class _Claim:
    answer: Any
    level: float

    def __getattr__(self, name):
        if name in ("answer", "level", "p_value"):
            raise AttributeError(name)
        return getattr(self.answer, name)

    def region(self, level):
        return self.answer.region(self.level)


def verdicts(tmp_path, *estimators) -> dict[str, str]:
    cell = Scenario({"n": 10}, EXPERIMENT, estimators, truth="rigid", measured=0)
    a_study = Study("trial", "Trial", (cell,), replicates=6_000, chunk=2_000, margins=Margins({0.95: 0.015}))
    run(a_study, tmp_path, Workers(1))
    summary = per_scenario(a_study, collect(a_study, tmp_path).sums)
    return dict(zip(summary["estimator"], summary["verdict"], strict=True))


def test_a_region_made_too_small_or_too_large_is_found_out(tmp_path):
    found = verdicts(tmp_path, Claims("honest", 0.95), Claims("small", 0.9), Claims("large", 0.99))
    assert found == {"honest": "covers", "small": "under-covers", "large": "over-covers"}


# A user's file


def test_a_users_file_joins_a_study_like_ours(tmp_path):
    path = tmp_path / "circles.py"
    path.write_text(CIRCLES)
    a_study = Study("trial", "Trial", (Scenario({"n": 10}, EXPERIMENT, (Registration("rigid", method="wald"),), truth="rigid"),),
                    replicates=60, chunk=20).joined_by(FromFile(str(path)))
    run(a_study, tmp_path / "results", Workers(2))
    summary = per_scenario(a_study, collect(a_study, tmp_path / "results").sums).set_index("estimator")
    mine, ours = summary.loc["circles"], summary.loc["rigid-both-wald"]
    assert mine["label"] == "circles of 2 FRE" and mine["verdict"] == "under-covers" and mine["volume_replicates"] == 60
    assert mine["rms_tre"] == ours["rms_tre"] and mine["efficiency"] == ours["efficiency"]


def test_a_changed_file_is_another_estimator(tmp_path):
    path = tmp_path / "circles.py"
    path.write_text(CIRCLES)
    before = FromFile(str(path))
    assert pickle.loads(pickle.dumps(before)) == before
    path.write_text(CIRCLES.replace("2 * result", "3 * result"))
    assert FromFile(str(path)).digest != before.digest


@pytest.mark.parametrize(("content", "sentence"), [
    (None, "cannot read the estimator file"), ("x = 1", "no object named 'estimator'"),
    ("estimator = 1", "lacks name, label, predict"),
    ("1 / 0", "does not run: ZeroDivisionError"), ("def (", "does not run: SyntaxError")])
def test_a_wrong_file_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "mine.py"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=sentence):
        FromFile(str(path))
