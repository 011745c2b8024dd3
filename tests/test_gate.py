"""Pairs that were chosen by a gate: what it hides of the noise, and how much less sure the map is (theory, section 22)."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import regerr
from regerr import FiducialPairs, InputError, Noise
from regerr.cli import app
from regerr.io import Points
from regerr.laws import kept_variance
from regerr.matching.pairing import Sets, paired
from regerr.models import MODELS
from tests.cases import CASES, targets_near

GATED = [case for case in CASES if not case.known_scale]


def gated(case, pairs: FiducialPairs, gate: float | None):
    return regerr.fit(replace(pairs, gate=gate), case.model, case.noise)


# What is left of the noise


@pytest.mark.parametrize("dimension", [2, 3])
def test_what_a_radius_leaves_of_the_variance(dimension):
    """Against simulation, and in 2D against the closed form."""
    squares = (np.random.default_rng(7).standard_normal((400_000, dimension)) ** 2).sum(-1)
    kept = squares[squares <= 4.0] / dimension
    assert kept_variance(4.0, dimension) == pytest.approx(kept.mean(), abs=4 * kept.std() / np.sqrt(len(kept)))
    if dimension == 2:
        told = [0.687, 0.843, 0.969]  # at 2, 2.45 and 3.2 s.d.
        assert [kept_variance(g * g, 2) for g in (2.0, 2.45, 3.2)] == pytest.approx(told, abs=1e-3)
        assert kept_variance(4.0, 2) == pytest.approx(1 - 2 * np.exp(-2) / (1 - np.exp(-2)))


def test_the_gate_is_wider_than_the_residuals_it_holds():
    """With many pairs it is the quantile of chi-square; with few, leverages and an unsure variance hide next to nothing."""
    rigid = MODELS["rigid"].under(Noise(gate=0.9))
    half = -np.log1p(-0.9)
    assert rigid.kept(100_000, 2) == pytest.approx(1 - half * np.exp(-half) / (1 - np.exp(-half)), abs=1e-4)
    shares = [rigid.kept(n, 2) for n in (4, 10, 40, 1000)]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.99
    assert MODELS["rigid"].under(Noise(gate=0.997)).kept(20, 2) > 0.995
    assert MODELS["rigid"].under(Noise()).kept(20, 2) == 1.0


# Coverage


def chosen(rng: np.random.Generator, n: int, dimension: int, model: str, gate: float) -> tuple[FiducialPairs, np.ndarray]:
    """Pairs of noise 1 in both images that a gate about their own fit leaves, and true places."""
    x = 1000.0 * rng.uniform(size=(n, dimension))
    a, b = (x + rng.standard_normal(x.shape) for _ in range(2))
    found = paired(Sets(a, b), (np.arange(n), np.arange(n)), MODELS[model], gate)
    return FiducialPairs(a[found.source], b[found.target]), 1000.0 * rng.uniform(size=(10, dimension))


def test_regions_of_gated_pairs_hold_and_without_the_correction_they_do_not():
    """All three questions; a pair variance of 2; the r.m.s. TRE is that of fewer pairs by the factor."""
    covered: dict[float | None, list[list[float]]] = {0.9: [], None: []}
    variances, squares, ratio = [], [], []
    for i in range(250):
        rng = np.random.default_rng([11, i])
        pairs, places = chosen(rng, 60, 2, "rigid", 0.9)
        seen = [places + rng.standard_normal(places.shape) for _ in range(2)]
        asked = {"tre": (places, places), "observation": (seen[0], seen[1]), "lre": (seen[0], places)}
        for gate, rows in covered.items():
            result = regerr.fit(replace(pairs, gate=gate))
            rows.append([result.predict(x, kind).region(0.95).contains(y).mean() for kind, (x, y) in asked.items()])
            if gate:
                variances.append(np.trace(result.noise_covariance) / 2)
                squares.append(((result.transform.apply(places) - places) ** 2).sum(-1).mean())
                ratio.append((result.predict(places, "tre").rms ** 2).mean())
    for gate, rows in covered.items():
        share, error = np.mean(rows, 0), np.std(rows, 0) / np.sqrt(len(rows))
        if gate:
            assert (np.abs(share - 0.95) < 0.006 + 3 * error).all(), share
        else:
            assert (share < 0.94 - 3 * error).all(), share  # the control
    assert np.mean(variances) == pytest.approx(2.0, abs=0.06 + 3 * np.std(variances) / np.sqrt(250))
    both = np.array(squares) - ratio
    assert abs(both.mean()) < 0.08 * np.mean(ratio) + 3 * both.std() / np.sqrt(250)


@pytest.mark.parametrize("case", GATED, ids=str)
def test_every_model_corrects_alike(case):
    """``C_tre = s2 H/E^2``, ``C_observation = s2 (H/E^2 + 1/E)``, and a p-value that grows; noise is told over E."""
    pairs, where = case.pairs(3, noise=0.02, n=25), targets_near(3, case.dimension)
    plain, aware = gated(case, pairs, None), gated(case, pairs, 0.9)
    kept = aware.estimator.kept(25, case.dimension)
    assert 0.7 < kept < 0.95
    np.testing.assert_allclose(aware.noise_covariance * kept, plain.noise_covariance, rtol=1e-5)  # but for what noise hides
    tre = plain.predict(where, "tre").covariance
    np.testing.assert_allclose(aware.predict(where, "tre").covariance * kept**2, tre, rtol=1e-3)
    own = plain.predict(where, "observation").covariance - tre
    np.testing.assert_allclose(aware.predict(where, "observation").covariance, tre / kept**2 + own / kept, rtol=1e-3)
    for kind in case.estimator.kinds:
        for method in ("score", "likelihood-ratio", "wald"):
            points = plain.predict(where, kind).mean + 0.02
            before, after = (r.predict(where, kind).p_value(points, method) for r in (plain, aware))
            assert (after > before).all()


# Beads that are not alike


def unlike(rng: np.random.Generator, n: int = 15, alone: int = 3) -> tuple[Points, Points, np.ndarray]:
    """Beads of a hundredfold range of photons in the source, of which some have no partner; true places."""
    names = tuple(map(str, range(n + alone)))
    sd = 2.0 * 100.0 ** rng.uniform(-0.25, 0.25, n + alone)
    both, others = 1000.0 * rng.uniform(size=(n + alone, 2)), 1000.0 * rng.uniform(size=(alone, 2))
    seen = np.concatenate([both[:n], others])
    source = both + sd[:, None] * rng.standard_normal(both.shape)
    covariances = sd[:, None, None] ** 2 * np.eye(2), np.tile(1.5**2 * np.eye(2), (n + alone, 1, 1))
    return (Points(source, names, "px", covariances[0]),
            Points(seen + 1.5 * rng.standard_normal(seen.shape), names, "px", covariances[1]), 1000.0 * rng.uniform(size=(20, 2)))


def test_faint_beads_are_gated_by_their_own_noise():
    """One of s.d. 12, that lies 30 off, is a pair by its own covariance; one gate for all, the control, leaves it out."""
    rng = np.random.default_rng(3)
    x, names = 1000.0 * rng.uniform(size=(15, 2)), tuple(map(str, range(15)))
    sd = np.where(np.arange(15) == 4, 12.0, 1.0)
    a, b = (x + rng.standard_normal(x.shape) for _ in range(2))
    a[4] = x[4] + [30.0, 0.0]
    source, target = (Points(points, names, "px", s[:, None, None] ** 2 * np.eye(2)) for points, s in ((a, sd), (b, sd**0)))
    assert 4 in regerr.match(source, target).best.source_index
    assert 4 not in regerr.match(a, b).best.source_index


def test_regions_of_unlike_beads_hold_as_from_all_true_pairs():
    differences = []
    for i in range(40):
        a, b, places = unlike(np.random.default_rng([5, i]))
        true = FiducialPairs(a.points[:15], b.points[:15], source_covariance=a.covariance[:15],
                             target_covariance=b.covariance[:15])
        shares = [regerr.fit(p).predict(places, "tre").region(0.95).contains(places).mean()
                  for p in (regerr.match(a, b).pairs, true)]
        differences.append(shares[0] - shares[1])
    assert abs(np.mean(differences)) < 0.002 + 3 * np.std(differences) / np.sqrt(len(differences))


# What carries it


def test_a_matching_hands_its_gate_to_the_registration(tmp_path):
    rng = np.random.default_rng(4)
    x = 1000.0 * rng.uniform(size=(30, 2))
    found = regerr.match(x, x + rng.standard_normal(x.shape), gate=0.95)
    result = regerr.fit(found.pairs)
    assert found.pairs.gate == result.noise.gate == 0.95 and "gate that 95 % of true pairs pass" in result.noise.describe()
    assert found.best.noise_sd == pytest.approx(np.sqrt(np.trace(result.noise_covariance) / 2))
    result.save(tmp_path / "r.json")
    assert regerr.load(tmp_path / "r.json").noise.gate == 0.95


def test_the_gate_travels_with_the_pairs():
    pairs = replace(CASES[0].pairs(1), gate=0.99)
    assert {p.gate for p in (pairs.swap(), pairs.drop("2"), pairs.scaled(2.0), pairs.quantised())} == {0.99}
    assert FiducialPairs.from_dict(json.loads(json.dumps(pairs.to_dict()))).gate == 0.99
    assert regerr.fit(pairs, noise=Noise(scale=1.0)).noise.gate is None  # nothing is estimated that it could hide


@pytest.mark.parametrize("gate", [0.0, 1.0, "wide", float("nan")])
def test_a_gate_that_is_none_is_refused(gate):
    for made in (lambda: Noise(gate=gate), lambda: replace(CASES[0].pairs(1), gate=gate)):
        with pytest.raises(InputError, match="give the probability with which a true pair passes it"):
            made()


def test_a_gate_beside_a_known_scale_is_refused():
    for more in ({"scale": 1.0}, {"tails": 4.0}):
        with pytest.raises(InputError, match="leave it out where the size is known"):
            Noise(gate=0.9, **more)


def test_the_command_line_is_told_the_gate(tmp_path):
    place = tmp_path / "pairs.csv"
    pairs = CASES[0].pairs(1, n=30)
    np.savetxt(place, np.c_[pairs.source, pairs.target], delimiter=",", header="x_source,y_source,x_target,y_target", comments="")
    done = CliRunner().invoke(app, ["fit", str(place), "--gate", "0.9"])
    assert done.exit_code == 0 and "gate that 90 % of true pairs pass" in " ".join(done.output.split())
    told = [json.loads(CliRunner().invoke(app, ["fit", str(place), "--json", *more]).stdout)["noise_covariance"][0][0]
            for more in (["--gate", "0.9"], [], ["--gate", "0.9", "--noise-sd", "1"], ["--noise-sd", "1"])]
    assert told[0] > 1.05 * told[1] and told[2] == told[3]
