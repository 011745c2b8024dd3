"""From two-channel images to predictions: detect, match, register one field, and predict the beads of the other three.

The true map is the same in all fields. Coverage and r.m.s. errors are held against those of pairs that were measured elsewhere
(the README of the data set): there is no other truth.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import fdtri
from typer.testing import CliRunner

import regerr
from regerr.cli import app
from regerr.detection.spots import Spots

pytest.importorskip("tifffile")

FIELDS = ("000", "001", "002", "003")
MODELS = ("similarity", "affine")
# of pairs measured elsewhere, in px: residuals and left-out residuals of each field, and errors of an affine map of the first
FRE = {"similarity": (0.1063, 0.1154, 0.1147, 0.1208), "affine": (0.1050, 0.1096, 0.1105, 0.1166)}
LEFT_OUT = {"similarity": (0.1089, 0.1181, 0.1176, 0.1236), "affine": (0.1089, 0.1136, 0.1148, 0.1207)}
HELD_OUT = (0.120, 0.115, 0.122)
LIKE = 0.05  # as a share
APART, MISFIT = 9.0, 0.06  # px, and share of the height: single beads
DIM, BRIGHT = 0.95, 0.25  # quantiles of the s.d. that detection tells


class Transfer(NamedTuple):
    """One field predicts another."""

    held: np.ndarray  # of each bead, whether its region holds it
    errors: np.ndarray  # lengths
    told: np.ndarray  # variance of each bead that detection tells, both channels


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    found = shared_data / "pyf2f_beads"
    missing = [path.name for field in FIELDS if not (path := image(found, field)).exists()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not in {found}")
    return found


def image(folder: Path, field: str) -> Path:
    return folder / f"beads_10x10_750ms_100__1_MMStack_1-Pos{field}_000.ome.tif"


@cache
def single_beads(path: Path) -> tuple[Spots, Spots]:
    """Of both channels, chosen without a look at any registration."""
    found = [regerr.detect(regerr.read_image(path, page).pixels) for page in (0, 1)]
    first, second = (spots[(spots.nearest > APART) & (spots.misfit < MISFIT)] for spots in found)
    return first, second


@cache
def matched(path: Path, model: str) -> regerr.Matching:
    return regerr.match(*(spots.to_points() for spots in single_beads(path)), model)


def bare(pairs: regerr.FiducialPairs) -> regerr.FiducialPairs:
    return replace(pairs, source_covariance=None, target_covariance=None)


def partners(path: Path, model: str) -> tuple[Spots, Spots]:
    """Beads of both channels that lie within half the distance that beads of a channel keep: one at most, however far it is."""
    source, target = single_beads(path)
    expected = matched(path, model).transform.apply(source.points)
    i, j = np.nonzero(np.linalg.norm(expected[:, None] - target.points, axis=-1) < APART / 2)
    assert len(set(i)) == len(i) and len(set(j)) == len(j)
    return source[i], target[j]


@cache
def transfers(folder: Path, model: str, told: str) -> dict[tuple[str, str], Transfer]:
    """Of the twelve; told: "nothing" but the points, the "fiducials" with their covariances, or "all" beads with them."""
    out = {}
    for a, b in itertools.permutations(FIELDS, 2):
        pairs = matched(image(folder, a), model).pairs
        x, y = partners(image(folder, b), model)
        result = regerr.fit(bare(pairs) if told == "nothing" else pairs, model)
        known = {"source_covariance": x.covariance, "target_covariance": y.covariance} if told == "all" else {}
        where = result.predict(x.points, "observation", **known)
        errors = np.linalg.norm(y.points - where.mean, axis=1)
        variance = np.trace(x.covariance + y.covariance, axis1=1, axis2=2)
        out[a, b] = Transfer(where.region(0.95).contains(y.points), errors, variance)
    return out


def rms(lengths: np.ndarray) -> float:
    return float(np.sqrt((lengths**2).mean()))


@pytest.mark.parametrize("told", ["nothing", "fiducials", "all"])
@pytest.mark.parametrize("model", MODELS)
def test_regions_hold_the_beads_of_other_fields(folder, model, told):
    found = transfers(folder, model, told)
    coverage = np.array([one.held.mean() for one in found.values()])
    assert len(coverage) == 12 and min(len(one.held) for one in found.values()) > 100
    assert 0.93 < coverage.mean() < 0.97 and coverage.min() > 0.86, coverage


@pytest.mark.parametrize("told", ["nothing", "fiducials"])
@pytest.mark.parametrize("model", MODELS)
def test_errors_are_as_large_as_those_of_pairs_measured_elsewhere(folder, model, told):
    found = transfers(folder, model, told)
    for field, expected in zip(FIELDS[1:], HELD_OUT, strict=True):
        assert rms(found["000", field].errors) == pytest.approx(expected, rel=LIKE)
    for field, fre, left_out in zip(FIELDS, FRE[model], LEFT_OUT[model], strict=True):
        pairs = matched(image(folder, field), model).pairs
        result = regerr.fit(pairs if told == "fiducials" else bare(pairs), model)
        assert float(result.fre_rms) == pytest.approx(fre, rel=LIKE)
        assert rms(np.linalg.norm(result.leave_one_out(), axis=1)) == pytest.approx(left_out, rel=LIKE)


def test_the_bounds_see_regions_and_maps_that_are_wrong(folder):
    """Controls: half the noise is seen in the coverage, a rigid map in the errors."""
    pairs = matched(image(folder, "000"), "affine").pairs
    sd = float(regerr.fit(bare(pairs), "affine").fle_rms) / np.sqrt(2)
    halved = regerr.fit(bare(pairs), "affine", regerr.Noise(scale=sd / 2))
    rigid = regerr.fit(bare(pairs), "rigid")
    for field, expected in zip(FIELDS[1:], HELD_OUT, strict=True):
        x, y = partners(image(folder, field), "affine")
        assert halved.predict(x.points, "observation").region(0.95).contains(y.points).mean() < 0.86
        assert rms(np.linalg.norm(y.points - rigid.transform.apply(x.points), axis=1)) > (1 + LIKE) * expected


@pytest.mark.parametrize("model", MODELS)
def test_covariances_make_regions_hold_dim_beads_as_well(folder, model):
    """On average all regions do; without covariances they hold too many bright beads, and too few of the dimmest twentieth."""
    dim, bright = {}, {}
    for told in ("nothing", "all"):
        found = transfers(folder, model, told).values()
        held, variance = (np.concatenate([getattr(one, name) for one in found]) for name in ("held", "told"))
        dim[told] = held[variance > np.quantile(variance, DIM)].mean()
        bright[told] = held[variance < np.quantile(variance, BRIGHT)].mean()
    assert dim["nothing"] < 0.86 < dim["all"]
    assert abs(bright["all"] - 0.95) < 0.02 < bright["nothing"] - 0.95


@pytest.mark.parametrize("model", MODELS)
def test_no_error_hides_behind_the_choice_of_beads(folder, model):
    """Nearly all clean beads have a partner, and none of the partners that lie far off is left out by a gate."""
    for field in FIELDS:
        path = image(folder, field)
        assert max(int(regerr.read_image(path, page).pixels.max()) for page in (0, 1)) < 65535  # none is saturated
        source, target = single_beads(path)
        x, y = partners(path, model)
        matching = matched(path, model)
        assert matching.accepted and len(x) >= 0.97 * min(len(source), len(target))
        known = set(zip(x.names, y.names, strict=True))
        kept = {(source.names[i], target.names[j]) for i, j in matching.best.links}
        assert kept <= known and len(kept) >= 0.98 * len(known)


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_line_goes_the_same_way(folder, tmp_path):
    """All spots, touching ones too: matching sets aside what does not fit."""
    for field, page in itertools.product(FIELDS[:2], (0, 1)):
        # not every field says how large its pixels are
        run("detect", image(folder, field), "--page", page, "--spacing", 1, "--output", tmp_path / f"{field}-{page}.csv")
    for field in FIELDS[:2]:
        run("match", tmp_path / f"{field}-0.csv", tmp_path / f"{field}-1.csv", "--model", "affine", "--output",
            tmp_path / f"{field}.csv")
    saved, targets = tmp_path / "registration.json", tmp_path / "targets.csv"
    run("fit", tmp_path / "000.csv", "--model", "affine", "--output", saved)
    held_out = regerr.read_pairs(tmp_path / "001.csv")
    np.savetxt(targets, held_out.source, delimiter=",", header="x [px],y [px]", comments="")
    told = json.loads(run("predict", saved, "--targets", targets, "--kind", "observation", "--method", "wald", "--json"))
    (found,) = told["predictions"]
    mean, covariance = (np.array([target[name] for target in found["targets"]]) for name in ("mean", "covariance"))
    result = regerr.load(saved)
    where = result.predict(held_out.source, "observation")
    assert np.allclose(mean, where.mean) and np.allclose(covariance, where.covariance)
    errors = held_out.target - mean
    squared = np.einsum("ni,nij,nj->n", errors, np.linalg.inv(covariance), errors)
    held = squared < 2 * fdtri(2, result.degrees_of_freedom, 0.95)
    assert held_out.n > 130 and held.mean() > 0.86
    assert abs(held.mean() - where.region(0.95).contains(held_out.target).mean()) < 0.01
    assert rms(np.linalg.norm(errors, axis=1)) == pytest.approx(HELD_OUT[0], rel=LIKE)
