"""Formulas that take a covariance for each fiducial: Wiles, Danilchenko & Fitzpatrick, Cohen & Ober.

Each is held against simulation, against a naive form, and against the others where they must agree.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import motion, moved, rotation
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

import regerr
from regerr import FiducialPairs, Noise, Transform
from regerr.baselines import cohen_ober, danilchenko, fitzpatrick, wiles
from regerr.baselines.cohen_ober import CohenOber, closed_form
from regerr.baselines.danilchenko import Danilchenko, expected_square, fre_covariance
from regerr.baselines.icip import Icip
from regerr.baselines.known_noise import added, stated
from regerr.baselines.wiles import Wiles
from regerr.errors import Failure, InputError, UndeterminedError

BOTH = pytest.mark.parametrize("dimension", [2, 3])
KNOWN = Noise(scale=1.0)
RIGID = [Wiles(), Danilchenko(), Danilchenko("uniform"), CohenOber("rigid")]
ALL = [*RIGID, CohenOber(), CohenOber("similarity"), Wiles(KNOWN), Danilchenko(noise=KNOWN), CohenOber(noise=KNOWN)]


def covariances(rng: np.random.Generator, n: int, d: int, size: float = 1.0) -> np.ndarray:
    """Anisotropic, one for each fiducial, their sizes unlike by ten."""
    half = rng.standard_normal((n, d, d))
    return size * np.exp(rng.uniform(-1.15, 1.15, (n, 1, 1))) * (half @ np.swapaxes(half, -1, -2) + 0.2 * np.eye(d))


def draw(rng: np.random.Generator, covariance: np.ndarray, replicates: int) -> np.ndarray:
    n, d, _ = covariance.shape
    return np.einsum("nij,bnj->bni", np.linalg.cholesky(covariance), rng.standard_normal((replicates, n, d)))


def world(dimension: int, n: int, replicates: int, seed: int, size: float = 0.3, alike: bool = False,
          linear: np.ndarray | None = None) -> tuple[FiducialPairs, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs with anisotropic noise in both spaces, targets near and far, their true images, and the true linear part."""
    rng = np.random.default_rng([seed, dimension, n])
    x = 25 * rng.standard_normal((n, dimension)) + 100
    a = rotation(rng, dimension) if linear is None else linear
    omega, lam = (covariances(rng, 1 if alike else n, dimension, size) for _ in range(2))
    omega, lam = (np.broadcast_to(c, (n, dimension, dimension)) for c in (omega, lam))
    pairs = FiducialPairs(x + draw(rng, omega, replicates), x @ a.T + draw(rng, lam, replicates), source_covariance=omega,
                          target_covariance=lam)
    targets = x.mean(0) + np.array([0.0, 90.0])[:, None] * np.eye(dimension)[0]
    return pairs, targets, targets @ a.T, a


# Simulation


@BOTH
@pytest.mark.parametrize("estimator", RIGID, ids=lambda e: e.name)
def test_rigid_covariances_are_those_of_a_simulation(estimator, dimension):
    """In small noise: each entry of the covariance at a near and a far target, scale estimated."""
    alike = isinstance(estimator, Wiles)
    pairs, targets, truth, _ = world(dimension, 8, 6_000, 1, size=0.02, alike=alike)
    answer = estimator.predict(pairs, targets, "tre")
    deviation = answer.mean - truth
    products = deviation[..., :, None] * deviation[..., None, :]
    found, error = products.mean(0), products.std(0) / math.sqrt(len(products))
    mean = answer.covariance.mean(0)
    assert (np.abs(found - mean) < 4.5 * error + 0.02 * np.trace(mean, axis1=-2, axis2=-1)[:, None, None]).all()
    assert (np.abs(found - 1.3 * mean) > 4.5 * error).any()


@BOTH
@pytest.mark.parametrize("estimator", [Danilchenko(), Danilchenko("uniform")], ids=lambda e: e.name)
def test_the_covariance_of_the_fre_is_that_of_a_simulation(estimator, dimension):
    pairs, _, _, _ = world(dimension, 6, 6_000, 2, size=0.02)
    given, fitted = estimator.fit(pairs)
    noise = given.effective(fitted.transform.matrix)
    expected = expected_square(fitted, noise)
    error = fitted.rss.std() / math.sqrt(len(fitted.rss))
    assert abs(fitted.rss.mean() - expected.mean()) < 4 * error
    part = FiducialPairs(pairs.source[:3], pairs.target[:3], source_covariance=pairs.source_covariance,
                         target_covariance=pairs.target_covariance)
    given, some = estimator.fit(part)
    whole = fre_covariance(some, given.effective(some.transform.matrix))
    np.testing.assert_allclose(np.trace(whole, axis1=-2, axis2=-1), expected[:3], rtol=1e-9)
    if estimator.weights == "uniform":
        residuals = (pairs.target - fitted.transform.apply(pairs.source)).reshape(len(pairs.source), -1)
        products = residuals[:, :, None] * residuals[:, None, :]
        z = np.abs(products.mean(0) - whole[0]) / (products.std(0) / math.sqrt(len(residuals)))
        assert z.max() < 5.5 and (np.abs(products.mean(0) - 1.2 * whole[0]) / products.std(0)).max() > 5.5 / math.sqrt(6_000)


def test_with_ideal_weights_fre_and_tre_say_nothing_of_each_other():
    pairs, targets, truth, _ = world(3, 6, 8_000, 3, size=0.02)
    for estimator in (Danilchenko(), Danilchenko("uniform")):
        _, fitted = estimator.fit(pairs)
        tre2 = ((fitted.transform.apply(targets) - truth)[:, 1] ** 2).sum(-1)
        r = np.corrcoef(np.log(tre2), np.log(fitted.rss))[0, 1]
        # to first order; without weights, and with fiducials as unlike as these, they do
        assert (abs(r) < 4 / math.sqrt(8_000)) == (estimator.weights == "ideal")


@pytest.mark.parametrize("estimator", [Wiles(KNOWN), Danilchenko(noise=KNOWN), CohenOber("rigid", KNOWN)], ids=lambda e: e.name)
@pytest.mark.parametrize("kind", ["tre", "lre", "observation"])
def test_every_kind_covers_when_the_noise_is_small(estimator, kind):
    pairs, targets, truth, _ = world(3, 9, 6_000, 4, size=0.02, alike=True)
    rng = np.random.default_rng(5)
    omega, lam = pairs.source_covariance[0], pairs.target_covariance[0]
    noise = [draw(rng, np.broadcast_to(c, (2, 3, 3)), 6_000) for c in (omega, lam)]
    asked = targets if kind == "tre" else targets + noise[0]
    wanted = truth + (noise[1] if kind == "observation" else 0.0 * noise[1])
    p = estimator.predict(pairs, asked, kind).p_value(wanted)
    for level in (0.5, 0.95):
        assert (np.abs((p >= 1 - level).mean(0) - level) < 4 * math.sqrt(level * (1 - level) / 6_000) + 0.004).all()
    if kind != "tre":  # the answer to another question is another region
        assert (estimator.predict(pairs, asked, "tre").p_value(wanted) >= 0.05).mean() < 0.8


def photons(model: str, n: int, known: bool, far: float = 300.0, replicates: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Coverage of `tre` far away and lengths of the deviation, a new layout each time: s.d. log-uniform from 0.6 to 6 px."""
    rng = np.random.default_rng([6, n])
    x = 22 * rng.standard_normal((replicates, n, 2))
    sd = np.exp(rng.uniform(math.log(0.6), math.log(6), (2, replicates, n, 1)))
    source, target = (x + s * rng.standard_normal(x.shape) for s in sd)
    variances = (s[..., None] ** 2 * np.eye(2) for s in sd)
    pairs = FiducialPairs(source, target, None, "px", "px", *variances)
    answer = CohenOber(model, KNOWN if known else "both").predict(pairs, [[far, 0.0]], "tre")
    truth = np.broadcast_to([[far, 0.0]], answer.mean.shape)
    return answer.region(0.95).contains(truth)[:, 0], np.linalg.norm(answer.mean - truth, axis=-1)[:, 0]


@pytest.mark.parametrize(("model", "n", "known", "expected"), [
    ("affine", 6, False, 0.941), ("affine", 6, True, 0.945), ("affine", 25, False, 0.950), ("affine", 25, True, 0.951),
    ("rigid", 4, False, 0.895), ("rigid", 4, True, 0.868)])  # an independent run, of one layout each
def test_photons(model, n, known, expected):
    """Theory, section 12: good for affine from n = 6, and short for rigid."""
    covered, _ = photons(model, n, known)
    error = math.sqrt(0.95 * 0.05 / len(covered))
    assert abs(covered.mean() - expected) < 4 * error
    assert (covered.mean() < 0.95 - 10 * error) == (model == "rigid")


TILTED = [((20, 20, 20), 4, (0.935, 0.913), (0.907, 0.871), (18.6, 14.4)),
          ((20, 20, 6), 4, (0.871, 0.782), (0.738, 0.634), (33.6, 29.3)),
          ((20, 20, 6), 10, (0.943, 0.905), (0.833, 0.781), (13.1, 10.7))]


@pytest.mark.parametrize(("spread", "n", "shaped", "round_", "lengths"), TILTED)
def test_noise_that_is_larger_along_the_optical_axis(spread, n, shaped, round_, lengths):
    """Theory, section 12: noise (1, 1, 3) in both spaces, 20 degrees of tilt, a target 150 away; an independent run, one layout.

    First order with the shape known, `observation` and `tre`; taken for isotropic; r.m.s. TRE without and with weights.
    """
    rng, sd, replicates = np.random.default_rng([24, n, *spread]), np.array([1.0, 1.0, 3.0]), 3_000
    turn = Rotation.from_rotvec([math.radians(20), 0, 0]).as_matrix()
    x, away = rng.standard_normal((replicates, n, 3)) * spread, rng.standard_normal((replicates, 1, 3))
    target = 150 * away / np.linalg.norm(away, axis=-1, keepdims=True)
    noise, new = rng.standard_normal((2, *x.shape)) * sd, rng.standard_normal((2, *target.shape)) * sd
    given = np.broadcast_to(np.diag(sd**2), (n, 3, 3))
    pairs = FiducialPairs(x + noise[0], x @ turn.T + noise[1], source_covariance=given, target_covariance=given)
    truth = target @ turn.T
    for estimator, expected in ((CohenOber("rigid"), shaped), (Danilchenko(), shaped), (Icip("rigid"), round_)):
        seen_ = estimator.predict(pairs, target + new[0], "observation").p_value(truth + new[1]) >= 0.05
        there = estimator.predict(pairs, target, "tre").p_value(truth) >= 0.05
        assert seen_.mean() == pytest.approx(expected[0], abs=0.035) and there.mean() == pytest.approx(expected[1], abs=0.035)
    for estimator, expected in ((Wiles(), lengths[0]), (CohenOber("rigid"), lengths[1])):
        answer = estimator.predict(pairs, target, "tre")
        failed = (answer.failure > 0).mean()
        assert failed < 0.005  # flat layouts of four: some do not settle, and no mean leaves those out
        if not failed:
            assert np.sqrt(((answer.mean - truth) ** 2).sum(-1).mean()) == pytest.approx(expected, rel=0.07)
    assert (Danilchenko().fit(pairs)[1].failure > 0).mean() < 0.01


def test_weights_are_worth_their_photons():
    """Theory, section 12: affine n = 25, median TRE 8.9 weighted, 13.4 without."""
    _, weighted = photons("affine", 25, True)
    rng = np.random.default_rng([6, 25])
    x = 22 * rng.standard_normal((4_000, 25, 2))
    sd = np.exp(rng.uniform(math.log(0.6), math.log(6), (2, 4_000, 25, 1)))
    plain = regerr.fit(FiducialPairs(*(x + s * rng.standard_normal(x.shape) for s in sd)), "affine", on_failure="mark")
    lengths = np.linalg.norm(plain.transform.apply([[300.0, 0.0]]) - [300.0, 0.0], axis=-1)
    assert np.median(weighted) == pytest.approx(8.9, rel=0.15) and np.median(lengths) == pytest.approx(13.4, rel=0.15)


# Other implementations


@BOTH
def test_wiles_is_danilchenko_without_weights_under_one_covariance(dimension):
    pairs, targets, _, _ = world(dimension, 7, 3, 7, alike=True)
    for noise in ("both", KNOWN):
        for kind in ("tre", "lre", "observation"):
            one, other = (e.predict(pairs, targets, kind) for e in (Wiles(noise), Danilchenko("uniform", noise)))
            np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(one.mean, other.mean, rtol=1e-10)


@BOTH
@pytest.mark.parametrize("estimator", RIGID, ids=lambda e: e.name)
def test_isotropic_noise_gives_fitzpatrick(estimator, dimension):
    """The trace of every rigid formula is that of 1998 when nothing is known of the noise; to the noise over the spread."""
    rng = np.random.default_rng([8, dimension])
    x = 25 * rng.standard_normal((9, dimension))
    pairs = FiducialPairs(x, x @ rotation(rng, dimension).T + 1e-3 * rng.standard_normal(x.shape))
    targets = 80 * rng.standard_normal((4, dimension))
    expected = fitzpatrick.FitzpatrickBall().predict(pairs, targets, "tre").rms
    np.testing.assert_allclose(estimator.predict(pairs, targets, "tre").rms, expected, rtol=1e-4)


def naive_deviance(parameters: np.ndarray, pairs: FiducialPairs, linear) -> np.ndarray:
    """Whitened residuals of one dataset."""
    d = pairs.dimension
    a, t = linear(parameters[d:]), parameters[:d]
    out = []
    for x, y, omega, lam in zip(pairs.source, pairs.target, pairs.source_covariance, pairs.target_covariance, strict=True):
        out.append(np.linalg.solve(np.linalg.cholesky(lam + a @ omega @ a.T), y - a @ x - t))
    return np.concatenate(out)


def linear_parts(model: str, d: int, start: np.ndarray):
    if model == "affine":
        return lambda p: start + p.reshape(d, d)
    grow = (lambda p: math.exp(p[-1])) if model == "similarity" else (lambda p: 1.0)
    if d == 3:
        return lambda p: grow(p) * Rotation.from_rotvec(p[:3]).as_matrix() @ start
    return lambda p: grow(p) * np.array([[math.cos(p[0]), -math.sin(p[0])], [math.sin(p[0]), math.cos(p[0])]]) @ start


@BOTH
@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_cohen_ober_is_the_minimum_that_scipy_finds(model, dimension):
    """And its covariance is the inverse information, Kronecker products for the affine map, written out at its latent points."""
    pairs, targets, _, _ = world(dimension, 9, 1, 9)
    pairs = pairs[0]
    answer = CohenOber(model, KNOWN).predict(pairs, targets, "tre")
    _, fitted, _ = CohenOber(model, KNOWN).fit(pairs)
    linear = linear_parts(model, dimension, fitted.transform.matrix)
    turns = dimension * (dimension - 1) // 2
    k = {"rigid": turns, "similarity": turns + 1, "affine": dimension**2}[model]
    start = np.concatenate([fitted.transform.offset + 0.05, np.full(k, 1e-3)])
    found = least_squares(naive_deviance, start, args=(pairs, linear), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert float(fitted.rss) <= 2 * found.cost * (1 + 1e-9)
    np.testing.assert_allclose(answer.mean, targets @ linear(found.x[dimension:]).T + found.x[:dimension], rtol=1e-6)
    if model == "affine":
        a, information = fitted.transform.matrix, 0.0
        latent = []
        for x, y, omega, lam in zip(pairs.source, pairs.target, pairs.source_covariance, pairs.target_covariance, strict=True):
            s = lam + a @ omega @ a.T
            xh = np.append(1.0, x + omega @ a.T @ np.linalg.solve(s, y - a @ x - fitted.transform.offset))
            information = information + np.kron(np.outer(xh, xh), np.linalg.inv(s))
            latent.append(xh)
        for target, covariance in zip(targets, answer.covariance, strict=True):
            g = np.kron(np.append(1.0, target), np.eye(dimension))
            np.testing.assert_allclose(covariance, g @ np.linalg.inv(information) @ g.T, rtol=1e-6)


@BOTH
def test_the_closed_form_is_the_general_fit_where_it_holds(dimension):
    rng = np.random.default_rng([10, dimension])
    n, a = 10, np.eye(dimension) + 0.3 * rng.standard_normal((dimension, dimension))
    common = covariances(rng, 2, dimension, 0.5)
    weights = np.exp(rng.uniform(-2, 2, n))
    omega, lam = (c / weights[:, None, None] for c in common)
    x = 25 * rng.standard_normal((n, dimension))
    pairs = FiducialPairs(x + draw(rng, omega, 4), x @ a.T + draw(rng, lam, 4), source_covariance=omega, target_covariance=lam)
    matrix, x_mean, y_mean = closed_form(pairs.source, pairs.target, np.broadcast_to(weights, (4, n)), *common)
    _, fitted, _ = CohenOber().fit(pairs)
    np.testing.assert_allclose(fitted.transform.matrix, matrix, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fitted.transform.apply(x_mean[:, None])[:, 0], y_mean, rtol=1e-8, atol=1e-8)


@BOTH
def test_alike_and_isotropic_is_errors_in_variables(dimension):
    """The library's closed form with noise in both spaces, reached from nothing but the ratio of the spreads."""
    rng = np.random.default_rng([11, dimension])
    x = 25 * rng.standard_normal((5, 12, dimension))
    pairs = FiducialPairs(x + rng.standard_normal(x.shape), 3 * x + rng.standard_normal(x.shape))
    np.testing.assert_allclose(CohenOber().fit(pairs)[1].transform.matrix, regerr.fit(pairs, "affine", "both").transform.matrix,
                               rtol=1e-6, atol=1e-8)
    for estimator in (Danilchenko(), Danilchenko("uniform"), CohenOber("rigid")):
        rigid = FiducialPairs(x + rng.standard_normal(x.shape), x + rng.standard_normal(x.shape))
        np.testing.assert_allclose(estimator.fit(rigid)[1].transform.matrix, regerr.fit(rigid).transform.matrix, atol=1e-8)


@BOTH
def test_noise_in_one_space_is_weighted_regression(dimension):
    rng = np.random.default_rng([12, dimension])
    x, scale = 25 * rng.standard_normal((11, dimension)), np.exp(rng.uniform(-1, 1, 11))
    y = x @ (np.eye(dimension) + 0.2) + scale[:, None] * rng.standard_normal(x.shape)
    variances = scale[:, None, None] ** 2 * np.eye(dimension)
    forward = CohenOber().fit(FiducialPairs(x, y, target_covariance=variances))[1].transform
    z = np.column_stack([np.ones(11), x])
    b = np.linalg.lstsq(z / scale[:, None], y / scale[:, None], rcond=None)[0]
    np.testing.assert_allclose(forward.matrix, b[1:].T, rtol=1e-9)
    back = CohenOber().fit(FiducialPairs(y, x, source_covariance=variances))[1].transform
    np.testing.assert_allclose(back.inverse().matrix, b[1:].T, rtol=1e-6)


def test_given_weights_are_heeded():
    pairs, targets, truth, _ = world(3, 8, 2_000, 13, size=0.02)
    rng = np.random.default_rng(14)
    w = rng.standard_normal((8, 3, 3)) + 2 * np.eye(3)
    given = Danilchenko(w)
    answer, fitted = given.predict(pairs, targets, "tre"), given.fit(pairs)[1]
    np.testing.assert_allclose(fitted.precisions[0], np.swapaxes(w, -1, -2) @ w, rtol=1e-12)
    residuals = pairs.target - fitted.transform.apply(pairs.source)
    np.testing.assert_allclose(fitted.rss, (np.einsum("nij,bnj->bni", w, residuals) ** 2).sum((-2, -1)), rtol=1e-8)
    square = ((answer.mean - truth) ** 2).sum(-1)
    error = square.std(0) / math.sqrt(2_000)
    assert (np.abs(square.mean(0) - (answer.rms**2).mean(0)) < 4.5 * error + 0.02 * square.mean(0)).all()
    assert (square.mean(0) > (Danilchenko().predict(pairs, targets, "tre").rms ** 2).mean(0)).all()


# Laws


def turned(covariance: np.ndarray | None, map_: Transform) -> np.ndarray | None:
    return None if covariance is None else map_.matrix @ covariance @ map_.matrix.T


def seen_from_elsewhere(pairs: FiducialPairs, there: Transform, back: Transform) -> FiducialPairs:
    same = moved(pairs, there, back)
    return FiducialPairs(same.source, same.target, source_covariance=turned(pairs.source_covariance, there),
                         target_covariance=turned(pairs.target_covariance, back))


@BOTH
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
def test_laws(estimator, dimension):
    """One dataset is one of a batch; p-values and regions agree; rigid motions and units of both spaces change nothing."""
    rng = np.random.default_rng([15, dimension])
    pairs, targets, truth, _ = world(dimension, 9, 4, 16)
    points = truth + rng.standard_normal((4, 2, dimension))
    for kind in ("tre", "lre", "observation"):
        whole = estimator.predict(pairs, targets, kind)
        for i in range(4):
            alone = estimator.predict(pairs[i], targets, kind)
            np.testing.assert_allclose(alone.p_value(points[i]), whole.p_value(points)[i], rtol=1e-7, atol=1e-14)
        for level in (0.5, 0.95):
            assert (whole.region(level).contains(points) == (whole.p_value(points) >= 1 - level)).all()
        unit = (0.001, 1000.0) if estimator.model == "affine" else (1000.0, 1000.0)
        for scales in ((1.0, 1.0), unit):
            there, back = (motion(rng, dimension, scale) for scale in scales)
            same = estimator.predict(seen_from_elsewhere(pairs, there, back), there.apply(targets), kind)
            np.testing.assert_allclose(same.p_value(back.apply(points)), whole.p_value(points), rtol=2e-5, atol=1e-9)
            np.testing.assert_allclose(same.rms, scales[1] * whole.rms, rtol=1e-5)


@BOTH
@pytest.mark.parametrize("estimator", [*RIGID, CohenOber()], ids=lambda e: e.name)
def test_a_common_factor_of_the_covariances_is_estimated_away(estimator, dimension):
    pairs, targets, truth, _ = world(dimension, 9, 3, 17)
    larger = FiducialPairs(pairs.source, pairs.target, source_covariance=9 * pairs.source_covariance,
                           target_covariance=9 * pairs.target_covariance)
    np.testing.assert_allclose(estimator.predict(larger, targets, "observation").p_value(truth + 1),
                               estimator.predict(pairs, targets, "observation").p_value(truth + 1), rtol=1e-6)
    given = Noise(source_covariance=pairs.source_covariance, target_covariance=pairs.target_covariance)
    bare = FiducialPairs(pairs.source, pairs.target)
    same = type(estimator)(**{**vars(estimator), "noise": given}).predict(bare, targets, "observation")
    np.testing.assert_allclose(same.covariance, estimator.predict(pairs, targets, "observation").covariance, rtol=1e-12)


def test_covariances_come_from_the_pairs_or_the_noise_or_its_ratio():
    x = np.random.default_rng(18).standard_normal((3, 5, 2))
    pairs = FiducialPairs(x, 10 * x + 0.1 * np.random.default_rng(19).standard_normal(x.shape))
    alone, magnified = stated(pairs, Noise(3.0), one_unit=False), np.broadcast_to(10 * np.eye(2), (3, 2, 2))
    np.testing.assert_allclose(alone.effective(magnified), np.broadcast_to(np.eye(2), (3, 1, 2, 2)), atol=0.02)
    np.testing.assert_allclose(alone.seen(magnified)[..., 0, 0], 0.75, atol=0.02)
    np.testing.assert_allclose(added(alone, magnified, "lre"), 0.75 * np.broadcast_to(np.eye(2), (3, 1, 2, 2)), atol=0.02)
    assert not added(alone, magnified, "tre").any() and not stated(pairs, Noise(0.0), one_unit=True).source.any()
    some = stated(pairs, Noise(source_covariance=4.0), one_unit=True)
    assert (some.source == 4 * np.eye(2)).all() and not some.target.any()
    own = FiducialPairs(pairs.source, pairs.target, target_covariance=np.broadcast_to(np.eye(2), (5, 2, 2)))
    assert not stated(own, Noise(), one_unit=True).source.any()
    with pytest.raises(InputError, match="give them once"):
        stated(own, Noise(source_covariance=4.0), one_unit=True)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
def test_failures_are_marked_and_contain_nothing(estimator):
    pairs, targets, truth, _ = world(3, 8, 2, 20)
    flat = pairs.source.copy()
    flat[1] = flat[1, :, :1]
    answer = estimator.predict(FiducialPairs(flat, pairs.target), targets, "tre")
    assert answer.failure[0] == 0 and answer.failure[1] == Failure.COLLINEAR and np.isnan(answer.mean[1]).all()
    assert not answer.region(0.95).contains(truth)[1].any() and np.isnan(answer.rms[1]).all() and np.isfinite(answer.rms[0]).all()


@pytest.mark.parametrize("estimator", [*RIGID, CohenOber()], ids=lambda e: e.name)
def test_pairs_that_fit_exactly_leave_a_point(estimator):
    x = 10 * np.random.default_rng(21).standard_normal((3, 7, 2))
    answer = estimator.predict(FiducialPairs(x, x + 5.0), [[1.0, 2.0]], "tre")
    assert (answer.rms < 1e-12).all() and np.allclose(answer.mean, [6.0, 7.0])


def test_poor_affine_layouts_settle_or_are_marked():
    """Nearly collinear fiducials under much noise: a minimum or none, never a number that is no minimum."""
    rng = np.random.default_rng(22)
    x = 20 * rng.standard_normal((300, 5, 2)) * [1.0, 0.1]
    sd = np.exp(rng.uniform(0, 1.5, (2, 300, 5, 1)))
    pairs = FiducialPairs(*(x + s * rng.standard_normal(x.shape) for s in sd), None, "px", "px",
                          *(s[..., None] ** 2 * np.eye(2) for s in sd))
    _, fitted, _ = CohenOber().fit(pairs)
    settled = fitted.failure == 0
    assert settled.mean() > 0.9
    for i in np.flatnonzero(settled)[:40]:
        linear = linear_parts("affine", 2, fitted.transform.matrix[i])
        here = np.concatenate([fitted.transform.offset[i], np.zeros(4)])
        best = least_squares(naive_deviance, here, args=(pairs[i], linear), xtol=1e-15, ftol=1e-15, gtol=1e-15)
        assert 2 * best.cost > fitted.rss[i] * (1 - 1e-6)


def test_what_cannot_be():
    pairs, targets, _, _ = world(2, 3, 1, 23)
    with pytest.raises(InputError, match="weights are 'heavy'"):
        Danilchenko("heavy")
    with pytest.raises(InputError, match="weights have shape"):
        Danilchenko(np.eye(3))
    for noise in ("full", Noise(tails=4.0)):
        for kind in (Wiles, CohenOber, Danilchenko):
            with pytest.raises(InputError, match="takes covariances that are known"):
                kind(noise=noise)
    with pytest.raises(InputError, match="elastic"):
        CohenOber("elastic")
    with pytest.raises(InputError, match="kind is 'fre'"):
        Wiles().predict(pairs, targets, "fre")
    with pytest.raises(UndeterminedError, match="3 pairs are too few for the affine model"):
        CohenOber().predict(pairs, targets, "tre")
    assert CohenOber(noise=KNOWN).predict(pairs, targets, "tre").failure.tolist() == [0]  # known noise needs no residual


def test_names_are_unique():
    every = [*cohen_ober.BASELINES, *danilchenko.BASELINES, *wiles.BASELINES, *fitzpatrick.BASELINES, *ALL]
    names = {e.name: e.label for e in every}
    assert len(names) == len({*names.values()}) == len({*[(e.name, e.label) for e in every]}) and not any(" " in n for n in names)
