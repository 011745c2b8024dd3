"""The Cramer-Rao bound against formulas of the theory sheet, another derivation, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

import regerr
from regerr.bounds import cramer_rao
from regerr.errors import InputError
from regerr.noise import Noise
from regerr.transforms import Transform
from simulations import Affine, Rigid, Similarity

FAMILIES = {"rigid": Rigid, "similarity": Similarity, "affine": Affine}


def case(family: str, dimension: int, seed: int = 1):
    rng = np.random.default_rng(seed)
    x = 20 * rng.standard_normal((6, dimension))
    return x, FAMILIES[family](dimension).sample(rng), 100 * rng.standard_normal((3, dimension))


def parameters(family: str, dimension: int) -> int:
    return {"rigid": {2: 3, 3: 6}, "similarity": {2: 4, 3: 7}, "affine": {2: 6, 3: 12}}[family][dimension]


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_bound_is_the_inverse_of_the_whole_information(family, dimension):
    """Source positions kept as nuisance parameters, derivatives by differences, one covariance for each fiducial."""
    x, truth, targets = case(family, dimension)
    n = len(x)
    rng = np.random.default_rng(2)
    source, target = (m @ np.swapaxes(m, 1, 2) + np.eye(dimension) for m in rng.standard_normal((2, n, dimension, dimension)))

    def matrix_of(p: np.ndarray) -> np.ndarray:
        turn = np.zeros((dimension, dimension))
        if family == "affine":
            return truth.matrix + p.reshape(dimension, dimension)
        count = dimension * (dimension - 1) // 2
        turn[np.triu_indices(dimension, 1)] = p[:count]
        turn = np.eye(dimension) + turn - turn.T  # to first order a rotation
        return (1 + (p[count] if family == "similarity" else 0.0)) * turn @ truth.matrix

    k = parameters(family, dimension) - dimension

    def image(p: np.ndarray, points: np.ndarray) -> np.ndarray:
        return points @ matrix_of(p[:k]).T + truth.offset + p[k:k + dimension]

    def mapped(p: np.ndarray) -> np.ndarray:
        return image(p, targets).ravel()

    def observed(p: np.ndarray) -> np.ndarray:
        points = x + p[k + dimension:].reshape(n, dimension)
        return np.concatenate([points, image(p, points)]).ravel()

    zero = np.zeros(k + dimension + n * dimension)
    slopes = approx_fprime(zero, observed, 1e-6)
    weights = np.zeros((2 * n * dimension, 2 * n * dimension))
    for i, c in enumerate([*source, *target]):
        part = slice(i * dimension, (i + 1) * dimension)
        weights[part, part] = np.linalg.inv(c)
    covariance = np.linalg.inv(slopes.T @ weights @ slopes)
    at = approx_fprime(zero, mapped, 1e-6)
    whole = at @ covariance @ at.T
    expected = np.stack([whole[i:i + dimension, i:i + dimension] for i in range(0, 3 * dimension, dimension)])
    assert np.allclose(cramer_rao(family, x, truth, source, target, targets), expected, rtol=1e-4)


def test_rigid_bound_in_the_plane_is_fitzpatricks_formula():
    """``TRE^2 = FLE^2/n (1 + |v|^2/(2 f^2))`` with ``f^2 = mean |v_i|^2`` (theory, section 4)."""
    x, truth, targets = case("rigid", 2)
    bound = np.trace(cramer_rao("rigid", x, truth, 0.7, 0.3, targets), axis1=-2, axis2=-1)
    centred = x - x.mean(0)
    f2 = (centred**2).sum(1).mean()
    v2 = ((targets - x.mean(0)) ** 2).sum(1)
    assert np.allclose(bound, 2 * (0.7 + 0.3) / 6 * (1 + v2 / (2 * f2)), rtol=1e-12)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_small_noise_reaches_the_bound(family, dimension):
    """5,000 fits; a bound for a larger or smaller family is not met (negative control)."""
    x, truth, targets = case(family, dimension)
    scale2 = np.trace(truth.matrix @ truth.matrix.T) / dimension
    rng = np.random.default_rng(3)
    noise = Noise(source_covariance=1e-6, target_covariance=1e-6 * scale2)
    e, f = noise.sample(rng, (5_000, *x.shape))
    found = regerr.fit(regerr.FiducialPairs(x + e, truth.apply(x) + f), family).transform.apply(targets)
    deviation = found - truth.apply(targets)
    squares = (deviation**2).sum(-1)
    error = squares.std(0) / np.sqrt(len(squares))

    def misses(model: str) -> float:
        bound = np.trace(cramer_rao(model, x, truth, 1e-6, 1e-6 * scale2, targets), axis1=-2, axis2=-1)
        return np.abs(squares.mean(0) - bound).max() / error.max()

    assert misses(family) < 4
    assert misses("rigid" if family == "affine" else "affine") > 20


def test_bound_follows_batches_units_and_motions():
    x, truth, targets = case("rigid", 3)
    one = cramer_rao("rigid", x, truth, 0.5, 0.2, targets)
    batch = Transform.from_matrix(np.stack([truth.matrix] * 2), np.stack([truth.offset] * 2))
    both = cramer_rao("rigid", np.stack([x, x]), batch, 0.5 * np.eye(3), np.broadcast_to(0.2 * np.eye(3), (6, 3, 3)), targets)
    assert both.shape == (2, 3, 3, 3) and np.allclose(both, one, rtol=1e-12)
    assert np.allclose(cramer_rao("rigid", x + 1e3, truth, 0.5, 0.2, targets + 1e3), one, rtol=1e-9)
    assert np.allclose(cramer_rao("rigid", x, truth, 5.0, 2.0, targets), 10 * one, rtol=1e-12)
    larger = cramer_rao("affine", x, truth, 0.5, 0.2, targets) - one
    assert (np.linalg.eigvalsh(larger) > -1e-12).all() and np.linalg.eigvalsh(larger).max() > 0.01


@pytest.mark.parametrize(("source", "sentence"), [
    (-1.0, "source_variance is -1"), (np.eye(3), r"source_variance has shape \(3, 3\)"),
    (np.ones((5, 2, 2)), r"source_variance has shape \(5, 2, 2\)"),
    (np.array([[1.0, 2.0], [2.0, 1.0]]), "not a positive definite")])
def test_wrong_variances_are_refused(source, sentence):
    x, truth, targets = case("rigid", 2)
    with pytest.raises(InputError, match=sentence):
        cramer_rao("rigid", x, truth, source, 1.0, targets)
