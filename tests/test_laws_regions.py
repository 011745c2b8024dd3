"""A region is one set, however it is asked: by points, by its boundary, by its volume, by whether it ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import CASES, Case, targets_near

import regerr
from regerr import FiducialPairs
from regerr.regions import Ellipsoid

each_case = pytest.mark.parametrize("case", CASES, ids=str)


def directions(d: int, k: int, seed: int = 0) -> np.ndarray:
    v = np.random.default_rng(seed).standard_normal((k, d))
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


@each_case
def test_an_ellipsoid_ends_where_its_matrix_says(case):
    """``e' M^-1 e <= 1``: points a hair inside and outside, and p = 1 - level on the surface."""
    result = case.fit(case.pairs(3, n=case.n + 4))
    targets = targets_near(3, case.dimension)
    for kind, method in case.questions:
        for level in (0.5, 0.95):
            where = result.predict(targets, kind)
            region = where.region(level, method)
            if not isinstance(region, Ellipsoid):
                continue
            surface = np.linalg.cholesky(region.matrix) @ directions(case.dimension, 20)[:, None, :, None]
            on = where.mean + surface[..., 0]
            np.testing.assert_allclose(where.p_value(on, method), 1 - level, rtol=1e-7)
            assert region.contains(where.mean + (1 - 1e-6) * surface[..., 0]).all()
            assert not region.contains(where.mean + (1 + 1e-6) * surface[..., 0]).any()
            assert region.bounded.all()
            ball = {2: math.pi, 3: 4 * math.pi / 3}[case.dimension]
            np.testing.assert_allclose(region.volume, ball * np.sqrt(np.linalg.det(region.matrix)), rtol=1e-10)
            np.testing.assert_allclose(region.radius, np.sqrt(np.linalg.eigvalsh(region.matrix)[..., -1]), rtol=1e-10)


@each_case
def test_an_ellipsoid_of_a_batch_is_that_of_each_dataset(case):
    result = case.fit(case.pairs(3, (3,), n=case.n + 4))
    targets = targets_near(3, case.dimension)
    for kind in case.estimator.kinds:
        whole = result.predict(targets, kind).region(0.9, "wald")
        assert isinstance(whole, Ellipsoid)
        for i in range(3):
            one = result[i].predict(targets, kind).region(0.9, "wald")
            assert isinstance(one, Ellipsoid)
            np.testing.assert_allclose(whole.matrix[i], one.matrix, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(whole.volume[i], one.volume, rtol=1e-10)


def test_linear_models_are_ellipsoids_by_every_method():
    for case in CASES:
        region = case.fit(case.pairs(1)).predict(targets_near(1, case.dimension), "tre").region(0.95, "score")
        assert isinstance(region, Ellipsoid) == case.estimator.linear(case.dimension), str(case)


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_wald_ellipsoid_of_hidden_directions_is_unbounded(dimension):
    """Noise in both spaces above the spread along one axis: infinite, everything inside, said so (theory, section 10)."""
    rng = np.random.default_rng(1)
    n = dimension + 2
    x = 20 * rng.standard_normal((400, n, dimension)) * np.r_[np.ones(dimension - 1), 0.02]
    pairs = FiducialPairs(x + rng.standard_normal(x.shape), x + rng.standard_normal(x.shape))
    result = regerr.fit(pairs, "affine", "both")
    where = result.predict(100 * np.eye(dimension), "observation")
    region = where.region(0.95, "wald")
    unbounded = ~region.bounded
    assert 0.01 < unbounded.mean() < 1
    assert np.isinf(region.volume[unbounded]).all() and np.isfinite(region.volume[~unbounded]).all()
    assert np.isinf(where.rms[unbounded]).all() and not np.isnan(where.covariance).any()
    far = where.mean + 1e6
    assert region.contains(far)[unbounded].all() and not region.contains(far)[~unbounded].any()
    assert (where.p_value(far, "wald")[unbounded] == 1).all()


@pytest.mark.parametrize("case", [Case("rigid", "both", 2), Case("affine", "target", 2), Case("affine", "both", 2)], ids=str)
def test_more_fiducials_and_less_noise_make_smaller_regions(case):
    few, many = (case.fit(case.pairs(2, (200,), n=n)) for n in (case.n, 4 * case.n))
    quiet = case.fit(case.pairs(2, (200,), noise=0.5))
    target = np.full((1, 2), 80.0)
    volumes = [np.median(result.predict(target, "tre").region(0.95, "wald").volume) for result in (few, many, quiet)]
    assert volumes[1] < volumes[0] / 2 and volumes[2] == pytest.approx(volumes[0] / 4, rel=0.1)
