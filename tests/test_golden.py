"""Small examples with numbers that a person can work out again: each test does so, from the theory sheet's formulas.

In the plane the F law has a closed form, ``P(F_{2,v} > f) = (1 + 2 f / v)^(-v/2)``, so that no library of statistics is needed.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from cases import CLOSED_FORMS, Case, points_near, targets_near

import regerr
from regerr import FiducialPairs, Noise

# Points made up for arithmetic may look mismatched, and are; test_suspicions.py has the warnings
pytestmark = pytest.mark.filterwarnings("ignore:.*(mirrored fit|look exchanged|too small to be true)")


def survival_2(f: float, v: float) -> float:
    """``P(F_{2,v} > f)``."""
    return (1 + 2 * f / v) ** (-v / 2)


def quantile_2(level: float, v: float) -> float:
    """The f that ``F_{2,v}`` stays below with that probability."""
    return v / 2 * ((1 - level) ** (-2 / v) - 1)


# --- Fitzpatrick, West & Maurer (section 4) ----------------------------------------------------------------------------------

SQUARE = np.array([[10, 10], [-10, 10], [-10, -10], [10, -10]], float)
CUBE = np.array([[x, y, z] for x in (-10, 10) for y in (-10, 10) for z in (-10, 10)], float)


def test_tre_of_a_square_by_hand():
    """``TRE^2 = FLE^2/n (1 + |v|^2/(2 f^2))``, f^2 = 200: at (30, 0) 13/16 of FLE^2, at the centre 1/4."""
    result = regerr.fit(FiducialPairs(SQUARE, SQUARE), "rigid", Noise(1.0, scale=math.sqrt(0.5)))  # FLE^2 = 2 * 0.5 = 1
    assert result.fle_rms == pytest.approx(1.0, rel=1e-14)
    rms = result.predict([[0, 0], [30, 0], [0, -30], [10, 10]], "tre").rms
    np.testing.assert_allclose(rms**2, [1 / 4, 13 / 16, 13 / 16, 3 / 8], rtol=1e-12)
    # along (30, 0) only the centroid's variance, across it the rotation's share too
    np.testing.assert_allclose(result.predict([[30, 0]], "tre").covariance[0], [[1 / 8, 0], [0, 1 / 8 + 9 / 16]], atol=1e-14)


def test_tre_of_a_cube_by_hand():
    """``TRE^2 = FLE^2/n (1 + (1/3) sum_k d_k^2/f_k^2)``, f_k^2 = 200 about each axis: at (30, 0, 0) ``(1 + 3)/8``."""
    result = regerr.fit(FiducialPairs(CUBE, CUBE), "rigid", Noise(0.0, scale=math.sqrt(1 / 3)))
    rms = result.predict([[0, 0, 0], [30, 0, 0], [10, 10, 10]], "tre").rms
    np.testing.assert_allclose(rms**2, [1 / 8, (1 + 900 / 300) / 8, (1 + 3 * 200 / 600) / 8], rtol=1e-12)


def test_a_scale_adds_the_radial_share():
    """With the column v: in the plane the variance of (30, 0) is 1/8 + 9/16 along it as well as across."""
    result = regerr.fit(FiducialPairs(SQUARE, SQUARE), "similarity", Noise(1.0, scale=math.sqrt(0.5)))
    np.testing.assert_allclose(result.predict([[30, 0]], "tre").covariance[0], (1 / 8 + 9 / 16) * np.eye(2), atol=1e-14)


def test_three_kinds_of_one_point():
    """Section 2: at the square's centre 1/4, and of FLE^2 = 1 nothing, the source's third or all."""
    result = regerr.fit(FiducialPairs(SQUARE, SQUARE), "rigid", Noise(0.5, scale=math.sqrt(0.5)))
    rms = [float(result.predict([[0, 0]], kind).rms[0]) ** 2 for kind in ("tre", "lre", "observation")]
    np.testing.assert_allclose(rms, [1 / 4, 1 / 4 + 1 / 3, 1 / 4 + 1], rtol=1e-12)
    assert [result.estimator.weight(kind) for kind in ("tre", "lre", "observation")] == [math.inf, pytest.approx(3.0), 1.0]


# --- two fiducials -----------------------------------------------------------------------------------------------------------

def test_two_fiducials_by_hand():
    """Lengths 10 and 10.4, turned by 90 degrees: residuals of 0.2 each, RSS 0.08 on one degree of freedom."""
    result = regerr.fit(FiducialPairs(np.array([[0, 0], [10, 0]]), np.array([[5, -0.2], [5, 10.2]])), "rigid")
    np.testing.assert_allclose(result.transform.matrix, [[0, -1], [1, 0]], atol=1e-15)
    np.testing.assert_allclose(result.transform.apply([[5, 0], [0, 0]]), [[5, 5], [5, 0]], atol=1e-14)
    np.testing.assert_allclose(result.residuals, [[0, -0.2], [0, 0.2]], atol=1e-14)
    assert result.degrees_of_freedom == 1
    assert result.fre_rms == pytest.approx(0.2, rel=1e-13)
    assert result.fle_rms == pytest.approx(0.4, rel=1e-13)  # FRE^2 / (1 - 3/4)
    where = result.predict([[5, 0]], "tre")
    assert where.rms[0] == pytest.approx(math.sqrt(2 * 0.08 / 2), rel=1e-13)
    # Wald: e'C^-1 e <= 2 F_{2,1}: for e = (0.4, 0) that is 0.16/0.04 = 4, F = 2, p = (1 + 4)^(-1/2)
    assert where.p_value([[5.4, 5.0]], "wald")[0] == pytest.approx(1 / math.sqrt(5), rel=1e-12)
    assert where.region(0.95, "wald").volume[0] == pytest.approx(math.pi * 0.04 * 2 * quantile_2(0.95, 1), rel=1e-12)


# --- affine regression with whole numbers (section 3) ------------------------------------------------------------------------

def test_affine_regression_in_fractions():
    """Five pairs of integers; B, S, the leverage of a target, and both F laws, all as fractions."""
    x = np.array([[0, 0], [4, 0], [0, 4], [4, 4], [2, 2]])
    y = np.array([[1, 0], [9, 1], [0, 8], [9, 10], [4, 5]])
    z = [[Fraction(1), Fraction(int(a)), Fraction(int(b))] for a, b in x]
    # centred, the design is orthogonal: sum dx dx' = 16 I
    slope = [[sum((row[1 + j] - 2) * int(y[i, k]) for i, row in enumerate(z)) / Fraction(16) for j in range(2)] for k in range(2)]
    mean = [Fraction(int(y[:, k].sum()), 5) for k in range(2)]
    r = [[int(y[i, k]) - mean[k] - sum(slope[k][j] * (row[1 + j] - 2) for j in range(2)) for k in range(2)]
         for i, row in enumerate(z)]
    scatter = [[sum(ri[a] * ri[b] for ri in r) for b in range(2)] for a in range(2)]
    target, point = (10, -2), (21, -5)
    h = Fraction(1, 5) + Fraction((10 - 2) ** 2 + (-2 - 2) ** 2, 16)
    e = [point[k] - mean[k] - sum(slope[k][j] * (target[j] - 2) for j in range(2)) for k in range(2)]
    pairs = FiducialPairs(x, y)
    isotropic, full = regerr.fit(pairs, "affine", "target"), regerr.fit(pairs, "affine", "full")
    np.testing.assert_allclose(isotropic.transform.matrix, np.array(slope, float), rtol=1e-14)
    trace = scatter[0][0] + scatter[1][1]
    assert isotropic.degrees_of_freedom == 4 and float(isotropic.fle_rms**2) == pytest.approx(float(trace / 2), rel=1e-13)
    np.testing.assert_allclose(full.noise_covariance, np.array(scatter, float) / 2, rtol=1e-13)
    determinant = scatter[0][0] * scatter[1][1] - scatter[0][1] ** 2
    mahalanobis = (scatter[1][1] * e[0] ** 2 - 2 * scatter[0][1] * e[0] * e[1] + scatter[0][0] * e[1] ** 2) / determinant
    for kind, c in (("tre", h), ("observation", 1 + h)):
        f = (e[0] ** 2 + e[1] ** 2) / (2 * c * trace / 4)
        assert isotropic.predict([target], kind).p_value([point])[0] == pytest.approx(survival_2(float(f), 4), rel=1e-12)
        # (y - B'z)' S^-1 (y - B'z) <= c d (n-p)/(n-p-d+1) F_{d, n-p-d+1}, S = R'R/(n-p), n-p-d+1 = 1
        f = mahalanobis * 2 / (c * 2 * 2)
        assert full.predict([target], kind).p_value([point])[0] == pytest.approx(survival_2(float(f), 1), rel=1e-12)
        volume = math.pi * float(c) * math.sqrt(float(determinant)) * 2 * quantile_2(0.9, 1)
        assert full.predict([target], kind).region(0.9).volume[0] == pytest.approx(volume, rel=1e-12)
    assert isotropic.predict([target], "tre").rms[0] ** 2 == pytest.approx(float(trace / 2 * h), rel=1e-12)
    # leave one out: r / (1 - h_ii), h = 1/5 at the centre and 7/10 at the corners
    leverage = [Fraction(7, 10)] * 4 + [Fraction(1, 5)]
    np.testing.assert_allclose(isotropic.leverages(), np.array(leverage, float), rtol=1e-13)
    expected = [[float(v / (1 - hi)) for v in ri] for ri, hi in zip(r, leverage, strict=True)]
    np.testing.assert_allclose(isotropic.leave_one_out(), expected, rtol=1e-12)


# --- scales ------------------------------------------------------------------------------------------------------------------

def orthonormal(columns: int) -> np.ndarray:
    """Eight rows; centred columns of length 1, at right angles."""
    rng = np.random.default_rng(0)
    return np.linalg.qr(np.column_stack([np.ones(8), rng.standard_normal((8, columns))]))[0][:, 1:]


def test_the_scale_between_two_noisy_lengths():
    """b = 4, a = 9, nu = 5: 5/4, sqrt(9/4), 9/5, and for a ratio of 2 the root of ``4 s^2 + 5 s - 18``."""
    q = orthonormal(4)
    x = math.sqrt(2) * q[:, :2]
    y = 1.25 * x + math.sqrt((9 - 6.25) / 2) * q[:, 2:]
    expected = {0.0: 1.25, 1.0: 1.5, math.inf: 1.8, 2.0: (-5 + math.sqrt(25 + 4 * 4 * 18)) / 8}
    for rho, s in expected.items():
        matrix = regerr.fit(FiducialPairs(x, y), "similarity", Noise(rho)).transform.matrix
        np.testing.assert_allclose(matrix, s * np.eye(2), atol=1e-14, err_msg=str(rho))


def test_affine_both_by_hand():
    """Gleser 1981: two axes that do not mix, each with scatter [[2, 1], [1, 2]] of [x, y]: slope 1, small eigenvalue 1."""
    q = math.sqrt(2) * orthonormal(4)
    pairs = FiducialPairs(q[:, :2], q[:, :2] / 2 + math.sqrt(3) / 2 * q[:, 2:])
    both = regerr.fit(pairs, "affine", "both")
    np.testing.assert_allclose(both.transform.matrix, np.eye(2), atol=1e-13)
    assert float(both.fitted.rss) == pytest.approx(2.0, rel=1e-13)
    for noise, slope in (("target", 0.5), ("source", 2.0), (Noise(1.0, "full"), 1.0)):
        np.testing.assert_allclose(regerr.fit(pairs, "affine", noise).transform.matrix, slope * np.eye(2), atol=1e-13)
    # ten degrees of freedom; s2 = 1/5 per coordinate of [x, y], large eigenvalues 3: s2u = s2/(1 - 2 s2/3) = 3/13
    s2 = 2 * 3 / 13
    np.testing.assert_allclose(both.noise_covariance, s2 * np.eye(2), atol=1e-13)
    # Wald: D = U_x diag(3 - 8 s2u) U_x' = (3 - 24/13)/2 I
    where = both.predict(both.pairs.source.mean(0)[None] + np.array([1.0, 0.0]), "tre")
    np.testing.assert_allclose(where.covariance[0], s2 * (1 / 8 + 2 / (3 - 24 / 13)) * np.eye(2), atol=1e-12)


# --- rigid regions of the plane in polar coordinates (sections 10, 19) -------------------------------------------------------

def polar(seed: int, kind: str, rho: float = 1.0):
    """A rigid fit in the plane and what section 19 names: c, nu, RSS, V, and points at radii r and angles phi."""
    case = Case("rigid", Noise(rho), 2)
    pairs = case.pairs(seed, n=4)
    result = case.fit(pairs)
    x, y = pairs.source - pairs.source.mean(0), pairs.target - pairs.target.mean(0)
    h = x.T @ y
    nu = math.hypot(h[0, 0] + h[1, 1], h[0, 1] - h[1, 0])
    dx = np.array([30.0, 12.0])
    target, v = pairs.source.mean(0) + dx, result.transform.matrix @ dx
    rng = np.random.default_rng(seed)
    r, phi = np.hypot(*v) + rng.normal(0, 3, 40), rng.uniform(-0.3, 0.3, 40)
    angle = math.atan2(v[1], v[0]) + phi
    points = pairs.target.mean(0) + r[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    mirrored = math.atan2(v[1], v[0]) - phi
    other_side = pairs.target.mean(0) + r[:, None] * np.column_stack([np.cos(mirrored), np.sin(mirrored)])
    named = {"c": 4.0 if kind == "tre" else 0.8, "nu": nu, "r": r, "phi": phi, "V": np.hypot(*v)}
    return result, target, named, points, other_side


@pytest.mark.parametrize("kind", ["tre", "observation"])
@pytest.mark.parametrize("seed", range(3))
def test_rigid_likelihood_ratio_in_polar_coordinates(kind, seed):
    """``D = c (r - V)^2 + 2 q/(P + sqrt(P^2 - q))``, P = c r V + nu, q = 4 c nu r V sin^2(phi/2)."""
    result, target, g, points, _ = polar(seed, kind)
    p_sum, q = g["c"] * g["r"] * g["V"] + g["nu"], 4 * g["c"] * g["nu"] * g["r"] * g["V"] * np.sin(g["phi"] / 2) ** 2
    d = g["c"] * (g["r"] - g["V"]) ** 2 + 2 * q / (p_sum + np.sqrt(p_sum**2 - q))
    f = d / 2 / ((result.residuals**2).sum() / 5)
    found = result.predict(target[None], kind).p_value(points[:, None], "likelihood-ratio")[:, 0]
    np.testing.assert_allclose(found, survival_2(f, 5), rtol=1e-9)


@pytest.mark.parametrize("method", ["score", "likelihood-ratio", "wald"])
@pytest.mark.parametrize("rho", [0.0, 1.0, 3.0])
def test_rigid_statistics_of_the_plane_are_even_in_the_angle(method, rho):
    for kind in ("tre", "lre", "observation"):
        result, target, _, points, other_side = polar(1, kind, rho)
        where = result.predict(target[None], kind)
        np.testing.assert_allclose(where.p_value(points[:, None], method), where.p_value(other_side[:, None], method), rtol=1e-8)


def test_a_rigid_region_becomes_a_ring_when_section_19_says():
    """A whole turn is inside as soon as ``4 min(c V^2, nu) <= K``: two fiducials 10 px apart, RSS 0.5, one degree, nu = 55."""
    result = regerr.fit(FiducialPairs(np.array([[0, 0], [10, 0]]), np.array([[0, 0], [11, 0]])), "rigid")
    k = 2 * quantile_2(0.95, 1) * 0.5
    assert k < 4 * 55 and 2 * quantile_2(0.9973, 1) * 0.5 > 4 * 55
    where = result.predict([[105, 0]], "tre")
    turn = np.linspace(0, 2 * np.pi, 73)
    around = [5.5, 0] + 100 * np.column_stack([np.cos(turn), np.sin(turn)])
    assert where.region(0.9973, "likelihood-ratio").contains(around[:, None]).all()
    assert not where.region(0.95, "likelihood-ratio").contains(around[:, None]).all()


# --- identities --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", [c for c in CLOSED_FORMS if not c.known_scale and c.model == "rigid"], ids=str)
def test_fle_from_fre_is_section_16(case):
    """``FLE^2 = FRE^2/(1 - k/(nd))``: rigid ``1 - 2/n`` in 3D, ``1 - 3/(2n)`` in the plane; never ``1 - 1/(2n)``."""
    result = case.fit(case.pairs(1))
    n = result.pairs.n
    factor = 1 - 3 / (2 * n) if case.dimension == 2 else 1 - 2 / n
    assert float(result.fre_rms**2 / result.fle_rms**2) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["tre", "observation"])
def test_similarity_target_in_the_plane_is_one_linear_regression(kind, seed):
    """``y = a x + b J x + t``: four linear parameters, one scale; the region is the exact F region of that regression."""
    case = Case("similarity", "target", 2)
    pairs, targets = case.pairs(seed), targets_near(seed, 2)
    result = case.fit(pairs)
    points = points_near(result, targets, seed)

    def design(x: np.ndarray) -> np.ndarray:
        zero, one = np.zeros(len(x)), np.ones(len(x))
        return np.stack([np.column_stack([x[:, 0], -x[:, 1], one, zero]), np.column_stack([x[:, 1], x[:, 0], zero, one])], 1)

    z = design(pairs.source).reshape(-1, 4)
    beta, rss, *_ = np.linalg.lstsq(z, pairs.target.ravel(), rcond=None)
    inverse, dof = np.linalg.inv(z.T @ z), 2 * pairs.n - 4
    for z0, y0, p in zip(design(targets), points, result.predict(targets, kind).p_value(points), strict=True):
        c = z0 @ inverse @ z0.T + (np.eye(2) if kind == "observation" else 0)
        e = y0 - z0 @ beta
        assert p == pytest.approx(survival_2(float(e @ np.linalg.inv(c) @ e / 2 / (rss[0] / dof)), dof), rel=1e-9)


def test_known_scale_regions_are_chi_square():
    """In the plane ``P(chi2_2 > q) = exp(-q/2)``: at the square's centre the 95 % area is ``2 pi ln 20`` s.d.^2."""
    result = regerr.fit(FiducialPairs(SQUARE, SQUARE + np.array([0.1, -0.2])), "rigid", Noise(1.0, scale=2.0))
    where = result.predict([[0, 0]], "tre")  # s.d. per coordinate 2/sqrt(4) = 1
    for method in ("score", "likelihood-ratio", "wald"):
        assert where.p_value(where.mean + np.array([0.0, 1.5]), method)[0] == pytest.approx(math.exp(-1.5**2 / 2), rel=1e-9)
    assert where.region(0.95, "wald").volume[0] == pytest.approx(math.pi * 2 * math.log(20), rel=1e-12)
