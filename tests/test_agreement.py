"""Two independent witnesses: other programs, and the theory sheet's formulas written naively in `naive`."""

from __future__ import annotations

import math
from typing import Any

import naive
import numpy as np
import odrpack
import pytest
import statsmodels.api as sm
from cases import CLOSED_FORMS, SPREAD, Case, points_near, rotation, targets_near
from scipy import stats
from scipy.spatial.transform import Rotation

import regerr
from regerr import FiducialPairs, Noise
from regerr.methods import Deletion
from regerr.scatter import joining_factor

both_dimensions = pytest.mark.parametrize("dimension", [2, 3])
seeds = pytest.mark.parametrize("seed", range(3))

# Points made up for arithmetic may look mismatched, and are; test_suspicions.py has the warnings
pytestmark = pytest.mark.filterwarnings("ignore:.*(mirrored fit|look exchanged|too small to be true)")


def assert_tight(found: Any, expected: Any) -> None:
    """Equal to 1e-10."""
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def sample_pairs(model: str, noise: str | Noise, dimension: int, seed: int, n: int = 9) -> FiducialPairs:
    return Case(model, noise, dimension).pairs(seed, n=n)


# --- affine regression: numpy and statsmodels -------------------------------------------------------------------------------

@both_dimensions
@seeds
@pytest.mark.parametrize("noise", ["target", "full"])
def test_affine_regression_is_least_squares(dimension, seed, noise):
    pairs = sample_pairs("affine", noise, dimension, seed)
    z = np.column_stack([pairs.source, np.ones(pairs.n)])
    coefficients, rss, _, _ = np.linalg.lstsq(z, pairs.target, rcond=None)
    result = regerr.fit(pairs, "affine", noise)
    assert_tight(result.transform.matrix, coefficients[:dimension].T)
    np.testing.assert_allclose(result.transform.offset, coefficients[dimension], rtol=1e-10, atol=1e-9)
    covariance = result.residuals.T @ result.residuals / (pairs.n - dimension - 1)
    expected = covariance if noise == "full" else np.eye(dimension) * np.trace(covariance) / dimension
    assert_tight(result.noise_covariance, expected)
    assert_tight(np.trace(result.noise_covariance), rss.sum() / (pairs.n - dimension - 1))


@both_dimensions
@seeds
def test_affine_regression_source_is_least_squares_the_other_way(dimension, seed):
    pairs = sample_pairs("affine", "source", dimension, seed)
    z = np.column_stack([pairs.target, np.ones(pairs.n)])
    coefficients = np.linalg.lstsq(z, pairs.source, rcond=None)[0]
    result = regerr.fit(pairs, "affine", "source")
    assert_tight(np.linalg.inv(result.transform.matrix), coefficients[:dimension].T)


@both_dimensions
@seeds
def test_affine_full_covariances_match_those_of_statsmodels_equation_by_equation(dimension, seed):
    """Each coordinate of the target alone is a regression: its coefficients, scale, leverages and prediction variances."""
    pairs, targets = sample_pairs("affine", "full", dimension, seed), targets_near(seed, dimension)
    result = regerr.fit(pairs, "affine", "full")
    tre, observation = (result.predict(targets, kind) for kind in ("tre", "observation"))
    for i in range(dimension):
        model = sm.OLS(pairs.target[:, i], sm.add_constant(pairs.source)).fit()
        frame = model.get_prediction(sm.add_constant(targets, has_constant="add"))
        assert_tight(result.transform.matrix[i], model.params[1:])
        assert_tight(result.noise_covariance[i, i], model.scale)
        assert_tight(tre.mean[:, i], frame.predicted_mean)
        assert_tight(tre.covariance[:, i, i], frame.var_pred_mean)
        assert_tight(observation.covariance[:, i, i], frame.var_pred_mean + frame.var_resid)
        assert_tight(result.leverages(), model.get_influence().hat_matrix_diag)
        assert_tight(result.leave_one_out()[:, i], model.get_influence().resid_press)


@both_dimensions
@seeds
def test_affine_full_region_is_the_test_of_statsmodels_multivariate_regression(dimension, seed):
    """``B'z = y`` at one z as a linear hypothesis of the multivariate regression: Hotelling's T2, exact F."""
    from statsmodels.multivariate.multivariate_ols import _MultivariateOLS

    pairs, targets = sample_pairs("affine", "full", dimension, seed), targets_near(seed, dimension)
    result = regerr.fit(pairs, "affine", "full")
    points = points_near(result, targets, seed)
    where = result.predict(targets, "tre")
    fitted = _MultivariateOLS(pairs.target, sm.add_constant(pairs.source)).fit()
    for j in range(len(targets)):
        z = np.r_[1.0, targets[j]][None]
        table = fitted.mv_test([("h", z, np.eye(dimension), points[j][None])]).results["h"]["stat"]
        p = float(table.loc["Wilks' lambda", "Pr > F"])
        np.testing.assert_allclose(where.p_value(points)[j], p, rtol=1e-8, atol=1e-10)


@both_dimensions
@seeds
def test_affine_target_region_is_the_f_test_of_statsmodels_stacked_regression(dimension, seed):
    """All coordinates stacked into one regression with one scale: ``T(x) = y`` is d linear restrictions."""
    pairs, targets = sample_pairs("affine", "target", dimension, seed), targets_near(seed, dimension)
    result = regerr.fit(pairs, "affine", "target")
    points = points_near(result, targets, seed)
    p = result.predict(targets, "tre").p_value(points)
    z = sm.add_constant(pairs.source)
    stacked = sm.OLS(pairs.target.T.ravel(), np.kron(np.eye(dimension), z)).fit()
    for j in range(len(targets)):
        restriction = np.kron(np.eye(dimension), np.r_[1.0, targets[j]])
        np.testing.assert_allclose(p[j], float(stacked.f_test((restriction, points[j])).pvalue), rtol=1e-8, atol=1e-10)


@both_dimensions
@seeds
def test_affine_target_pair_p_values_are_those_of_section_7(dimension, seed):
    pairs = sample_pairs("affine", "target", dimension, seed)
    expected = naive.regression_pair_p_values(pairs.source, pairs.target)
    np.testing.assert_allclose(regerr.fit(pairs, "affine", "target").pair_p_values(), expected, rtol=1e-9)


# --- rotations: SciPy --------------------------------------------------------------------------------------------------------

def aligned(pairs: FiducialPairs) -> tuple[Rotation, np.ndarray]:
    """Rotation and sensitivity by SciPy; points of a plane are embedded, with the third axis held exactly."""
    x, y = (p - p.mean(0) for p in (pairs.source, pairs.target))
    weights = np.ones(len(x))
    if pairs.dimension == 2:
        x, y = (np.vstack([np.column_stack([p, np.zeros(len(p))]), [0.0, 0.0, 1.0]]) for p in (x, y))
        weights = np.r_[weights, np.inf]
    if pairs.dimension == 2:
        return Rotation.align_vectors(y, x, weights)[0], np.empty(0)
    rotation, _, sensitivity = Rotation.align_vectors(y, x, weights, return_sensitivity=True)
    return rotation, sensitivity


@both_dimensions
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("noise", ["both", "target", "source", Noise(2.0)], ids=str)
def test_rigid_is_align_vectors(dimension, seed, noise):
    pairs = sample_pairs("rigid", noise, dimension, seed, n=5)
    rotation, _ = aligned(pairs)
    result = regerr.fit(pairs, "rigid", noise)
    assert_tight(result.transform.matrix, rotation.as_matrix()[:dimension, :dimension])
    assert_tight(result.transform.apply(pairs.source.mean(0)[None])[0], pairs.target.mean(0))


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_rigid_is_align_vectors_on_mirrored_and_flat_points(share):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6, 3)) * (20, 20, 20 * (1 - share))
    for mirror in ((1, 1, -1), (-1, 1, 1)):
        pairs = FiducialPairs(x, x * mirror + 0.1 * rng.standard_normal(x.shape))
        assert_tight(regerr.fit(pairs).transform.matrix, aligned(pairs)[0].as_matrix())


@seeds
def test_first_order_covariance_is_that_of_align_vectors_sensitivity(seed):
    """Noise-free pairs and a known scale: SciPy's covariance of the rotation vector, turned into one of the targets."""
    rng = np.random.default_rng(seed)
    x, turn = SPREAD * rng.standard_normal((6, 3)), rotation(rng, 3)
    pairs, targets, scale = FiducialPairs(x, x @ turn.T), 5 * SPREAD * rng.standard_normal((4, 3)), 1.3
    result = regerr.fit(pairs, "rigid", Noise(1.0, scale=scale))
    _, sensitivity = aligned(pairs)
    for x0, found in zip(targets, result.predict(targets, "tre").covariance, strict=True):
        v = turn @ (x0 - x.mean(0))
        cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
        assert_tight(found, scale**2 * (cross @ sensitivity @ cross.T + np.eye(3) / 6))


# --- similarity: written here ------------------------------------------------------------------------------------------------

def umeyama(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Umeyama 1991, equations 40 to 43: scale and rotation that minimise the mean squared distance in y."""
    xc, yc = x - x.mean(0), y - y.mean(0)
    u, d, vt = np.linalg.svd(yc.T @ xc / len(x))
    s = np.eye(len(d))
    s[-1, -1] = 1.0 if np.linalg.det(u) * np.linalg.det(vt) > 0 else -1.0
    return float(np.trace(np.diag(d) @ s) / (xc**2).sum(1).mean()), u @ s @ vt


@both_dimensions
@seeds
def test_similarity_target_is_umeyama(dimension, seed):
    pairs = sample_pairs("similarity", "target", dimension, seed)
    scale, turn = umeyama(pairs.source, pairs.target)
    assert_tight(regerr.fit(pairs, "similarity", "target").transform.matrix, scale * turn)


@both_dimensions
@seeds
def test_similarity_source_is_the_inverse_of_umeyama_the_other_way(dimension, seed):
    pairs = sample_pairs("similarity", "source", dimension, seed)
    scale, turn = umeyama(pairs.target, pairs.source)
    assert_tight(regerr.fit(pairs, "similarity", "source").transform.matrix, turn.T / scale)


@both_dimensions
@seeds
def test_similarity_both_has_the_symmetric_scale(dimension, seed):
    """Horn 1987: the ratio of the root mean square spreads, whatever the rotation."""
    pairs = sample_pairs("similarity", "both", dimension, seed)
    _, turn = umeyama(pairs.source, pairs.target)
    spread = [math.sqrt(((p - p.mean(0)) ** 2).sum()) for p in (pairs.source, pairs.target)]
    assert_tight(regerr.fit(pairs, "similarity", "both").transform.matrix, spread[1] / spread[0] * turn)


@both_dimensions
@pytest.mark.parametrize("rho", [0.01, 0.5, 2.0, 100.0])
def test_similarity_minimises_the_joint_sum_of_squares(dimension, rho):
    """Any ratio: ``sum |e|^2/(lambda) + |f|^2`` over the true points too, with lambda = rho/s^2 at the solution (section 4)."""
    pairs = sample_pairs("similarity", Noise(rho), dimension, 4)
    matrix = regerr.fit(pairs, "similarity", Noise(rho)).transform.matrix
    s = np.linalg.det(matrix) ** (1 / dimension)
    x, y = (p - p.mean(0) for p in (pairs.source, pairs.target))
    a, b, nu = (y**2).sum(), (x**2).sum(), np.trace(matrix @ x.T @ y) / s
    assert b * s**2 - (1 - rho) * nu * s - rho * a == pytest.approx(0, abs=1e-9 * a)
    lam = rho / s**2
    assert s == pytest.approx(2 * nu / (b - lam * a + math.sqrt((b - lam * a) ** 2 + 4 * lam * nu**2)), rel=1e-10)


# --- affine, noise in both spaces: ODRPACK -----------------------------------------------------------------------------------

def orthogonal_distance(pairs: FiducialPairs, stretch: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Matrix, offset and sum of squares by ODRPACK, analytic Jacobians, equal weights once the source is stretched."""
    d, x, y = pairs.dimension, stretch * pairs.source, pairs.target
    z = np.column_stack([x, np.ones(len(x))])
    start = np.linalg.lstsq(z, y, rcond=None)[0].T

    def f(x, beta):
        b = beta.reshape(d, d + 1)
        return b[:, :d] @ x + b[:, d:]

    def jac_beta(x, beta):
        ones = np.vstack([x, np.ones(x.shape[1])])
        return np.einsum("ik,ln->ikln", np.eye(d), ones).reshape(d, d * (d + 1), -1)

    def jac_x(x, beta):
        return np.repeat(beta.reshape(d, d + 1)[:, :d, None], x.shape[1], axis=2)

    beta = start.ravel()
    for _ in range(3):  # restarted: each run stops a little short of the minimum
        found = odrpack.odr_fit(f, np.ascontiguousarray(x.T), np.ascontiguousarray(y.T), beta, jac_beta=jac_beta, jac_x=jac_x,
                                sstol=1e-15, partol=1e-15, maxit=500)
        beta = found.beta
    b = beta.reshape(d, d + 1)
    return stretch * b[:, :d], b[:, d], float(found.sum_square)


@both_dimensions
@seeds
@pytest.mark.parametrize("noise", ["both", Noise(0.5), Noise(2.0)], ids=str)
def test_affine_both_is_orthogonal_distance_regression(dimension, seed, noise):
    pairs = sample_pairs("affine", noise, dimension, seed, n=12)
    rho = 1.0 if noise == "both" else noise.ratio
    stretch = naive.stretch(pairs.source, pairs.target, rho)
    if rho == 1:
        spread = [((p - p.mean(0)) ** 2).sum() for p in (pairs.source, pairs.target)]
        assert stretch == pytest.approx(math.sqrt(spread[1] / spread[0]), rel=1e-12)
    matrix, offset, rss = orthogonal_distance(pairs, stretch)
    result = regerr.fit(pairs, "affine", noise)
    np.testing.assert_allclose(result.transform.matrix, matrix, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(result.transform.offset, offset, rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(result.fitted.rss, rss, rtol=1e-10)


@both_dimensions
@seeds
@pytest.mark.parametrize("rho", [0.5, 1.0, 2.0, math.inf])
def test_affine_under_a_free_covariance_is_section_5(dimension, seed, rho):
    pairs = sample_pairs("affine", Noise(rho, "full"), dimension, seed, n=12)
    x, y = (p - p.mean(0) for p in (pairs.source, pairs.target))
    expected = naive.free_covariance(x, y, np.ones(pairs.n), rho)
    result = regerr.fit(pairs, "affine", Noise(rho, "full"))
    assert_tight(result.transform.matrix, expected)
    r = y - x @ expected.T
    assert_tight(result.noise_covariance, r.T @ r / (pairs.n - dimension - 1))


# --- the statistics of section 10 --------------------------------------------------------------------------------------------

def naive_p_values(case: Case, pairs: FiducialPairs, new: naive.Pair, kind: str, dof: int) -> tuple[float, float]:
    """Score alone and likelihood ratio by `naive`."""
    rho, d = case.assumed.ratio, case.dimension
    if case.model != "affine":
        found = naive.procrustes_statistics(pairs.source, pairs.target, new, kind, case.model == "similarity", rho)
    elif case.assumed.shape == "full":
        return naive.free_covariance_p_values(pairs.source, pairs.target, new, kind, rho)
    else:
        found = naive.errors_in_variables_statistics(pairs.source, pairs.target, new, kind, rho)
    if case.assumed.scale is not None:
        s2 = case.assumed.scale**2
        return float(stats.chi2.sf(found.deleted / s2, d)), float(stats.chi2.sf(found.increase / s2, d))
    return found.p_values(d, dof)


# affine regression, either way, has witnesses of its own above
NAIVE = [case for case in CLOSED_FORMS if case.model != "affine" or case.noise in ("both", Noise(0.5), Noise(2.0))
         or (case.assumed.shape == "full" and case.assumed.ratio > 0)]



@pytest.mark.parametrize("case", NAIVE, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_statistics_are_those_of_a_dense_refit_with_the_new_pair(case, seed):
    pairs, targets = case.pairs(seed), targets_near(seed, case.dimension)
    result = case.fit(pairs)
    points = points_near(result, targets, seed)
    for kind in case.estimator.kinds:
        where = result.predict(targets, kind)
        alone, ratio, p = (where.p_value(points, method) for method in (Deletion(), "likelihood-ratio", "score"))
        for j in range(len(targets)):
            expected = naive_p_values(case, pairs, (targets[j], points[j]), kind, result.degrees_of_freedom if
                                      case.assumed.shape != "full" else pairs.n - 2 * case.dimension)
            np.testing.assert_allclose((alone[j], ratio[j]), expected, rtol=1e-8, atol=1e-10, err_msg=f"{kind}")
            assert p[j] == pytest.approx(min(expected[0], 2 * expected[1], 1.0), rel=1e-8)


@pytest.mark.parametrize("case", [c for c in CLOSED_FORMS if c.model != "affine" and not c.known_scale], ids=str)
def test_pair_p_values_are_those_of_section_7(case):
    pairs = case.pairs(3)
    expected = naive.pair_p_values(pairs.source, pairs.target, case.model == "similarity", case.assumed.ratio)
    np.testing.assert_allclose(case.fit(pairs).pair_p_values(), expected, rtol=1e-9)


def test_the_naive_statistics_can_disagree():
    """A negative control: the wrong kind or the wrong ratio is seen."""
    case = Case("rigid", "both", 2)
    pairs, targets = case.pairs(0), targets_near(0, 2)
    result = case.fit(pairs)
    points = points_near(result, targets, 0)
    found = [naive.procrustes_statistics(pairs.source, pairs.target, (targets[0], points[0]), kind, False, rho).p_values(2, 9)[0]
             for kind, rho in (("tre", 1.0), ("observation", 1.0), ("tre", 0.0))]
    assert abs(found[0] - found[1]) > 1e-4 and abs(found[0] - found[2]) > 1e-6


# --- first-order covariances of section 4 and 10 -----------------------------------------------------------------------------

@pytest.mark.parametrize("case", [c for c in CLOSED_FORMS if c.model != "affine"], ids=str)
def test_covariance_is_the_inverse_information_of_all_parameters(case):
    """Section 4 with leverages at latent points: ``G_0 (sum G_i' G_i)^-1 G_0'`` and the kind's own noise."""
    d, kappa, scaled = case.dimension, case.assumed.source_share, case.model == "similarity"
    pairs, targets = case.pairs(2), targets_near(2, d)
    result = case.fit(pairs)
    s2 = case.assumed.scale**2 if case.assumed.scale is not None else (result.residuals**2).sum() / result.degrees_of_freedom
    image = (pairs.source - pairs.source.mean(0)) @ result.transform.matrix.T
    gs = [np.hstack([np.eye(d), naive.generators(v, scaled)]) for v in image + kappa * result.residuals]
    inverse = np.linalg.inv(sum(g.T @ g for g in gs))
    for kind, extra in (("tre", 0.0), ("lre", kappa), ("observation", 1.0)):
        for x0, found in zip(targets, result.predict(targets, kind).covariance, strict=True):
            g = np.hstack([np.eye(d), naive.generators(result.transform.matrix @ (x0 - pairs.source.mean(0)), scaled)])
            assert_tight(found, s2 * (g @ inverse @ g.T + extra * np.eye(d)))


@both_dimensions
@pytest.mark.parametrize("noise", ["both", Noise(0.5), Noise(2.0)], ids=str)
def test_wald_ellipse_of_affine_both_is_section_10(dimension, noise):
    """``h = 1/n + (a dx)' D^-1 (a dx)``, D from the large eigenpairs less ``n s2``; Sigma from the unbiased s2u (section 18)."""
    d, rho = dimension, 1.0 if noise == "both" else noise.ratio
    pairs, targets = sample_pairs("affine", noise, d, 6, n=12), targets_near(6, d)
    result, n = regerr.fit(pairs, "affine", noise), pairs.n
    a = naive.stretch(pairs.source, pairs.target, rho)
    x, y = a * (pairs.source - pairs.source.mean(0)), pairs.target - pairs.target.mean(0)
    values, vectors = np.linalg.eigh(np.hstack([x, y]).T @ np.hstack([x, y]))
    slope = vectors[d:, d:] @ np.linalg.inv(vectors[:d, d:])
    s2 = values[:d].sum() / (d * (n - d - 1))
    s2u = s2 / (1 - s2 * (1 / values[d:]).sum())
    sigma = s2u * (np.eye(d) + slope @ slope.T)
    inner = np.linalg.inv(vectors[:d, d:] @ np.diag(values[d:] - n * s2u) @ vectors[:d, d:].T)
    for kind, extra in (("tre", 0.0), ("lre", rho / (1 + rho)), ("observation", 1.0)):
        for x0, found in zip(targets, result.predict(targets, kind).covariance, strict=True):
            dx = a * (x0 - pairs.source.mean(0))
            np.testing.assert_allclose(found, sigma * (1 / n + dx @ inner @ dx + extra), rtol=1e-9)


@pytest.mark.parametrize("case", [c for c in CLOSED_FORMS if not c.known_scale], ids=str)
def test_wald_region_is_the_f_region_of_its_covariance(case):
    """Sections 3, 4, 10: ``e' C^-1 e / d`` follows F on the model's degrees of freedom; of a free covariance Hotelling's law."""
    d = case.dimension
    pairs, targets = case.pairs(7), targets_near(7, d)
    result = case.fit(pairs)
    points = points_near(result, targets, 7)
    for kind in case.estimator.kinds:
        where = result.predict(targets, kind)
        e = points - where.mean
        q = np.einsum("mi,mij,mj->m", e, np.linalg.inv(where.covariance), e)
        v = pairs.n - d - 1 if case.assumed.shape == "full" else result.degrees_of_freedom
        dof = pairs.n - 2 * d if case.assumed.shape == "full" else v
        np.testing.assert_allclose(where.p_value(points, "wald"), stats.f.sf(q * dof / (v * d), d, dof), rtol=1e-8, atol=1e-12)


def test_the_weight_of_a_kind_joins_the_scatter_as_section_5_says():
    assert joining_factor(5, 1.0) == pytest.approx(5 / 6)
    assert joining_factor(5, math.inf) == 5
    assert joining_factor(5, 3.0) == pytest.approx(15 / 8)
