"""Readable quantities and their standard deviations, against finite differences, simulation and the regions' own covariance."""

from __future__ import annotations

import math

import numpy as np
import pytest

import regerr
from regerr import FiducialPairs, Noise
from regerr.linalg import proper_rotation
from regerr.quantities import _functions, mirrored, quantities

CASES = [("rigid", "both"), ("rigid", "target"), ("similarity", "both"), ("similarity", "source"), ("affine", "both"),
         ("affine", Noise(0.3)), ("affine", "target"), ("affine", "source"), ("affine", "full"), ("affine", Noise(1.0, "full"))]
ROTATION = {2: ["rotation"], 3: ["rotation", "rotation about x", "rotation about y", "rotation about z"]}


def linear_part(model: str, d: int, rng: np.random.Generator) -> np.ndarray:
    rotation = proper_rotation(rng.standard_normal((d, d)))[0]
    if model == "affine":
        return rotation @ (np.eye(d) + 0.1 * rng.standard_normal((d, d)))
    return rotation * (1.3 if model == "similarity" else 1.0)


def simulate(model: str, d: int, n: int = 12, noise: float = 1.0, size: int | None = None, seed: int = 0) -> FiducialPairs:
    """One dataset, or a batch about one truth."""
    rng = np.random.default_rng([seed, d])
    x = 40.0 * rng.standard_normal((n, d))
    y = x @ linear_part(model, d, rng).T + 100.0
    shape = x.shape if size is None else (size, *x.shape)
    return FiducialPairs(x + noise * rng.standard_normal(shape), y + noise * rng.standard_normal(shape))


def by_name(result) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {q.name: (q.value, q.sd) for q in quantities(result)}


@pytest.mark.parametrize(("model", "noise"), CASES)
@pytest.mark.parametrize("d", [2, 3])
def test_the_covariance_of_the_matrix_is_that_of_the_predictions(model, noise, d):
    """A target at x has the covariance of the centroid plus ``Cov(A dx)``."""
    result = regerr.fit(simulate(model, d), model, noise)
    dx = np.random.default_rng(1).uniform(-200.0, 200.0, (5, d))
    expected = result.predict(result.fitted.x_mean + dx, "tre").covariance
    linear = result.estimator.matrix_covariance(result.fitted)
    covariance = np.einsum("ijkl,mj,ml->mik", linear, dx, dx) + result.noise_covariance / result.pairs.n
    assert np.allclose(covariance, expected, rtol=1e-9)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("d", [2, 3])
def test_gradients_are_finite_differences(d, flip):
    """All functions of an affine map, mirrored or not."""
    rng = np.random.default_rng(2)
    x = 40.0 * rng.standard_normal((9, d))
    matrix = linear_part("affine", d, rng) @ np.diag([1.0] * (d - 1) + [-1.0 if flip else 1.0])

    def values(a: np.ndarray) -> list:
        return _functions(regerr.fit(FiducialPairs(x, x @ a.T + noise), "affine", "target"))

    noise = 1e-3 * rng.standard_normal(x.shape)
    centre = regerr.fit(FiducialPairs(x, x @ matrix.T + noise), "affine", "target")
    assert bool(mirrored(centre)) is flip
    step, direction = 1e-5, rng.standard_normal((d, d))
    lows, highs = values(matrix - step * direction), values(matrix + step * direction)
    for low, mid, high in zip(lows, _functions(centre), highs, strict=True):
        assert (high.value - low.value) / (2 * step) == pytest.approx(float((mid.gradient * direction).sum()), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("model", "noise"), CASES)
@pytest.mark.parametrize("d", [2, 3])
def test_the_standard_deviation_is_the_spread_over_replicates(model, noise, d):
    """Over 1500 replicates within four Monte Carlo errors, 3 % of second order allowed; an s.d. of half the size would fail.

    The centroid is a fixed point of the source here: the mean of the true positions.
    """
    size = 1500
    pairs = simulate(model, d, n=20, noise=0.5, size=size, seed=3)
    result = regerr.fit(pairs, model, noise)
    image = result.transform.apply(pairs.source.mean((0, 1))[None])[:, 0]
    for q in quantities(result):
        if q.name == "rotation" and d == 3:
            continue  # a length: not normal where the rotation is small
        values = image[:, "xyz".index(q.name[-1])] if q.name.startswith("centroid") else q.value
        ratio = values.std(ddof=1) / math.sqrt(float((q.sd**2).mean()))
        tolerance = 4 / math.sqrt(2 * size) + 0.03
        assert abs(ratio - 1) < tolerance < abs(2 * ratio - 1), q.name


def test_what_is_listed_is_what_the_model_leaves_free():
    for d in (2, 3):
        centroid = [f"centroid {a}" for a in "xyz"[:d]]
        listed = {model: list(by_name(regerr.fit(simulate(model, d), model))) for model in ("rigid", "similarity", "affine")}
        assert listed["rigid"] == [*ROTATION[d], *centroid]
        assert listed["similarity"] == [*ROTATION[d], "scale", *centroid]
        axes, planes = "xyz"[:d], ["xy", "xz", "yz"][:d * (d - 1) // 2]
        assert listed["affine"] == [*ROTATION[d], "scale", *(f"scale along {a}" for a in axes), *(f"shear {p}" for p in planes),
                                    "largest stretch", "smallest stretch", *centroid]


def test_pairs_without_noise_list_the_same_with_an_s_d_of_zero():
    with pytest.warns(regerr.RegistrationWarning, match="exactly"):
        result = regerr.fit(simulate("affine", 2, noise=0.0), "affine")
    found = by_name(result)
    assert "shear xy" in found
    assert all(sd == 0 for _, sd in found.values())


def test_values_in_the_plane():
    """Rotation by 30 degrees, 10 % longer in x, 2 degrees of shear."""
    angle, shear = math.radians(30.0), math.radians(2.0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    stretch = np.array([[1.1, math.sin(shear)], [0.0, math.cos(shear)]])
    rng = np.random.default_rng(4)
    x = 100.0 * rng.random((9, 2))
    found = by_name(regerr.fit(FiducialPairs(x, x @ (turn @ stretch).T + 1e-7 * rng.standard_normal(x.shape)), "affine"))
    assert found["scale along x"][0] == pytest.approx(1.1) and found["scale along y"][0] == pytest.approx(1.0)
    assert found["shear xy"][0] == pytest.approx(2.0, abs=1e-5)
    assert found["scale"][0] == pytest.approx(math.sqrt(1.1 * math.cos(shear)))
    u, _, vt = np.linalg.svd(turn @ stretch)
    assert found["rotation"][0] == pytest.approx(math.degrees(math.atan2((u @ vt)[1, 0], (u @ vt)[0, 0])), abs=1e-5)
    assert found["rotation"][0] == pytest.approx(29.0, abs=0.1)  # the shear turns the y axis alone
    rigid = by_name(regerr.fit(FiducialPairs(x, x @ turn.T + 1e-7 * rng.standard_normal(x.shape)), "rigid"))
    assert rigid["rotation"][0] == pytest.approx(30.0, abs=1e-5)


def test_textbook_standard_deviations():
    """Theory, section 4: sd(theta) = sqrt(s2/sum|v|^2), sd(scale) = scale sd(theta), centroid sqrt(s2/n)."""
    pairs = simulate("similarity", 2, seed=5)
    result = regerr.fit(pairs, "similarity", "target")
    v = result.transform.apply(pairs.source) - result.fitted.y_mean
    s2, found = result.noise_covariance[0, 0], by_name(result)
    assert found["rotation"][1] == pytest.approx(math.degrees(math.sqrt(s2 / (v**2).sum())))
    assert found["scale"][1] == pytest.approx(found["scale"][0] * math.sqrt(s2 / (v**2).sum()))
    assert found["centroid x"][1] == pytest.approx(math.sqrt(s2 / pairs.n))
    solid = regerr.fit(simulate("rigid", 3, seed=5), "rigid", "target")
    w = solid.transform.apply(solid.pairs.source) - solid.fitted.y_mean
    inertia = (w**2).sum() * np.eye(3) - w.T @ w
    turned = np.einsum("kij,jl->kil", regerr.tangent.turns(3), solid.transform.matrix)
    expected = np.einsum("kij,km,mln->ijln", turned, solid.noise_covariance[0, 0] * np.linalg.inv(inertia), turned)
    assert np.allclose(solid.estimator.matrix_covariance(solid.fitted), expected, rtol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-3, 0.5, 3.0])
def test_rotation_vectors_near_and_far_from_the_identity(angle):
    """Finite everywhere, and equal to the finite difference away from half a turn."""
    rng = np.random.default_rng(6)
    from scipy.spatial.transform import Rotation

    axis = np.array([1.0, 2.0, -2.0]) / 3.0
    x = 50.0 * rng.standard_normal((10, 3))
    turn = Rotation.from_rotvec(angle * axis).as_matrix()
    found = by_name(regerr.fit(FiducialPairs(x, x @ turn.T + 1e-12 * rng.standard_normal(x.shape)), "rigid"))
    vector = np.array([found[f"rotation about {a}"][0] for a in "xyz"])
    assert np.allclose(np.radians(vector), angle * axis, atol=1e-10)
    assert all(np.isfinite(sd) for _, sd in found.values())


def test_a_batch_is_a_loop():
    pairs = simulate("affine", 3, size=4)
    batch = by_name(regerr.fit(pairs, "affine"))
    for i in range(4):
        for name, (value, sd) in by_name(regerr.fit(pairs[i], "affine")).items():
            assert np.allclose([batch[name][0][i], batch[name][1][i]], [value, sd], rtol=1e-9)


def test_units():
    x = simulate("similarity", 2)
    pairs = FiducialPairs(x.source, 110.0 * x.target, source_unit="px", target_unit="nm")
    units = {q.name: q.unit for q in quantities(regerr.fit(pairs, "similarity"))}
    assert units == {"rotation": "deg", "scale": "nm per px", "centroid x": "nm", "centroid y": "nm"}
    assert {q.name: q.unit for q in quantities(regerr.fit(x, "similarity"))}["scale"] == ""


def test_unbounded_and_failed():
    """An s.d. that the fiducials do not bound is infinite; that of a failed dataset NaN."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((300, 4, 2)) * (100.0, 3.0)
    pairs = FiducialPairs(x + 3.0 * rng.standard_normal(x.shape), x + 3.0 * rng.standard_normal(x.shape))
    result = regerr.fit(pairs, "affine", on_failure="mark")
    sd = by_name(result)["rotation"][1]
    open_ended = ~np.isfinite(result.predict(x[0], "tre").rms).all(-1)
    assert open_ended.any() and np.array_equal(np.isinf(sd), open_ended)
    x[0] = np.arange(4.0)[:, None] * (1.0, 2.0)
    failed = regerr.fit(FiducialPairs(x, x + rng.standard_normal(x.shape)), "affine", "target", on_failure="mark")
    assert all(np.isnan(sd[0]) for _, sd in by_name(failed).values())
    assert np.isfinite(by_name(failed)["scale"][1][1:]).all()
