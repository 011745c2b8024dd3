"""Laws of the small parts: transformations, noise, scatters, and the algebra that everything rests on."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from cases import CASES, general_map, motion, rotation, targets_near
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg as scipy_linalg
from scipy import stats

from regerr import InputError, Noise, Transform, UnsupportedError
from regerr.laws import ChiSquareLaw, FisherLaw
from regerr.linalg import inverse_symmetric, nuclear_norm, proper_rotation, root
from regerr.methods import METHODS
from regerr.models import MODELS
from regerr.models.base import without_each
from regerr.noise import parse_noise
from regerr.scatter import Frame, Scatter

both_dimensions = pytest.mark.parametrize("d", [2, 3])
a_seed = given(seed=st.integers(0, 2**32 - 1))


# --- transformations ---------------------------------------------------------------------------------------------------------

@both_dimensions
@a_seed
def test_an_inverse_undoes_and_compositions_follow_each_other(d, seed):
    rng = np.random.default_rng(seed)
    a, b, x = general_map(rng, d), general_map(rng, d), 100 * rng.standard_normal((5, d))
    np.testing.assert_allclose(a.inverse().apply(a.apply(x)), x, atol=1e-10)
    np.testing.assert_allclose(a.compose(b).apply(x), b.apply(a.apply(x)), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(a.compose(a.inverse()).homogeneous, np.eye(d + 1), atol=1e-10)
    np.testing.assert_allclose(a.homogeneous @ np.r_[x[0], 1], np.r_[a.apply(x[:1])[0], 1], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(x @ a.matrix.T + a.offset, a.apply(x), rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(a.jacobian(x), np.broadcast_to(a.matrix, (5, d, d)))
    np.testing.assert_array_equal(Transform.identity(d).apply(x), x)


def test_transformations_come_in_batches():
    rng = np.random.default_rng(0)
    a = Transform.from_matrix(rng.standard_normal((4, 2, 3, 3)), rng.standard_normal((4, 2, 3)))
    x = rng.standard_normal((7, 3))
    assert a.apply(x).shape == (4, 2, 7, 3) and a.homogeneous.shape == (4, 2, 4, 4) and a.jacobian(x).shape == (4, 2, 7, 3, 3)
    np.testing.assert_allclose(a[1, 0].apply(x), a.apply(x)[1, 0])
    np.testing.assert_allclose(a.inverse()[3].apply(a[3].apply(x)), np.broadcast_to(x, (2, 7, 3)), atol=1e-9)


def test_a_transformation_far_from_the_origin_loses_only_the_rounding_of_its_input():
    x = np.array([[0.25, 0.5], [1.0, -2.0]])
    far = Transform(motion(np.random.default_rng(1), 2).matrix, np.full(2, 1e8), np.full(2, -1e8))
    np.testing.assert_allclose(far.apply(1e8 + x) + 1e8, x @ far.matrix.T, atol=2e-8)
    np.testing.assert_allclose(far.inverse().apply(far.apply(1e8 + x)), 1e8 + x, atol=4e-8)


@pytest.mark.parametrize(("matrix", "offset", "words"), [
    (np.ones((2, 3)), None, r"not shape \(2, 3\)"), (np.eye(2), np.zeros(3), "offset has 3 coordinates and the matrix 2")])
def test_a_transformation_of_the_wrong_shape_is_refused(matrix, offset, words):
    with pytest.raises(InputError, match=words):
        Transform.from_matrix(matrix, offset)


def test_a_singular_matrix_has_no_inverse():
    with pytest.raises(InputError, match="singular"):
        Transform.from_matrix([[1.0, 2.0], [2.0, 4.0]]).inverse()


# --- noise -------------------------------------------------------------------------------------------------------------------

def test_names_of_noise_and_its_share():
    assert [parse_noise(n).source_share for n in ("both", "target", "source", "full")] == [0.5, 0.0, 1.0, 0.0]
    assert Noise(2.0).source_share == pytest.approx(2 / 3) and parse_noise(Noise(2.0)) == Noise(2.0) != Noise(3.0)
    assert len({Noise(2.0), Noise(2.0), Noise(2.0, scale=1.0)}) == 2
    assert Noise(1.0, target_covariance=np.eye(2)) == Noise(1.0, target_covariance=np.eye(2)) != Noise(1.0)


@pytest.mark.parametrize("noise", ["both", "target", "source", "full", Noise(0.5, scale=2.0), Noise(math.inf, "full")], ids=str)
def test_noise_goes_to_json_and_back(noise):
    assert Noise.from_dict(parse_noise(noise).to_dict()) == parse_noise(noise)
    assert parse_noise(noise).describe() == parse_noise(noise).describe() != Noise(0.123).describe()


@both_dimensions
def test_noise_draws_the_covariance_that_it_states(d):
    rng = np.random.default_rng(2)
    a = rng.standard_normal((d, d))
    covariance = a @ a.T + np.eye(d)
    source, target = Noise(source_covariance=0.25, target_covariance=covariance).sample(rng, (4000, 5, d))
    assert source.shape == target.shape == (4000, 5, d)
    white = target.reshape(-1, d) @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    error = math.sqrt(2 / len(white))
    assert np.abs(white.T @ white / len(white) - np.eye(d)).max() < 5 * error
    assert abs(source.var() / 0.25 - 1) < 5 * math.sqrt(2 / source.size)
    assert abs(np.corrcoef(source.ravel(), target.ravel())[0, 1]) < 5 / math.sqrt(source.size)


def test_each_point_may_have_noise_of_its_own():
    sizes = np.array([1.0, 4.0, 9.0])
    _, drawn = Noise(target_covariance=sizes[:, None, None] * np.eye(2)).sample(np.random.default_rng(3), (20000, 3, 2))
    np.testing.assert_allclose((drawn**2).mean((0, 2)) / sizes, 1, atol=5 / math.sqrt(20000))


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Noise(math.nan), "the noise ratio is nan"), (lambda: Noise(scale=math.inf), "the known noise s.d. is inf"),
    (lambda: Noise(0.0, "full", scale=1.0), "leave out the known scale"),
    (lambda: Noise(source_covariance=-1.0), "source_covariance is -1"),
    (lambda: Noise(target_covariance=[[1.0, 2.0], [2.0, 1.0]]), "smallest eigenvalue is -1"),
    (lambda: Noise(target_covariance=[[1.0, 0.5], [0.0, 1.0]]), "not a positive definite symmetric matrix"),
    (lambda: Noise(target_covariance=[1.0, 2.0]), r"has shape \(2,\)"),
    (lambda: Noise(target_covariance=[[math.nan, 0.0], [0.0, 1.0]]), "NaN or infinity"),
    (lambda: Noise().sample(np.random.default_rng(0), (3, 2)), "no size to draw from"),
    (lambda: parse_noise("poisson"), "noise 'poisson' is unknown: use one of both, target, source, full"),
])
def test_noise_that_makes_no_sense_is_refused_with_its_value(make, words):
    with pytest.raises(InputError, match=words):
        make()


# --- the table of models -----------------------------------------------------------------------------------------------------

def test_models_and_methods_are_these():
    """Growing the list is a decision, taken here too."""
    assert list(MODELS) == ["rigid", "similarity", "affine"]
    assert list(METHODS) == ["score", "likelihood-ratio", "wald", "rank", "interpolated-rank", "mixture"]
    assert {m: model.card.parameters for m, model in MODELS.items()} == {
        "rigid": {2: 3, 3: 6}, "similarity": {2: 4, 3: 7}, "affine": {2: 6, 3: 12}}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_degrees_of_freedom_are_those_of_the_theory(case):
    n, d = case.n, case.dimension
    k = case.estimator.card.parameters[d]
    dof = n - d - 1 if case.assumed.shape == "full" else n * d - k
    assert case.estimator.degrees_of_freedom(n, d) == dof
    assert case.estimator.denominator(n, d) == (n - 2 * d if case.assumed.shape == "full" else dof)


@pytest.mark.parametrize("case", CASES[::5], ids=str)
def test_models_results_and_predictions_can_be_sent_to_another_process(case):
    result = case.fit(case.pairs(1, (2,)))
    where = result.predict(targets_near(1, case.dimension), "tre")
    again = pickle.loads(pickle.dumps(where))
    np.testing.assert_array_equal(again.p_value(where.mean + 1), where.p_value(where.mean + 1))
    assert pickle.loads(pickle.dumps(result)).noise == result.noise


def test_a_refusal_names_the_model_and_the_noise():
    with pytest.raises(UnsupportedError, match="the rigid model cannot use noise of any covariance, in the target only"):
        MODELS["rigid"].under(parse_noise("full"))


# --- laws of the statistics --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d", [2, 3])
def test_thresholds_and_p_values_are_those_of_scipy(d):
    for law, reference in ((FisherLaw(d, 7), stats.f(d, 7)), (ChiSquareLaw(d, 2.0), stats.chi2(d))):
        scale = 7 / d if isinstance(law, FisherLaw) else 1.0
        for level in (1e-6, 0.5, 0.95, 1 - 1e-9):
            assert law.threshold(level) * scale == pytest.approx(reference.ppf(level), rel=1e-7)
            assert float(law.survival(np.asarray(law.threshold(level)))) == pytest.approx(1 - level, rel=1e-6)
        assert float(law.survival(np.asarray(0.0))) == 1 and float(law.survival(np.asarray(-1e-18))) == 1
        assert float(law.survival(np.asarray(np.inf))) == 0 and math.isnan(float(law.survival(np.asarray(np.nan))))


# --- scatters and algebra ----------------------------------------------------------------------------------------------------

@both_dimensions
@a_seed
def test_scatters_seen_from_a_fit_give_back_those_of_the_points(d, seed):
    rng = np.random.default_rng(seed)
    x, y = 10 * rng.standard_normal((2, 6, d)), 10 * rng.standard_normal((2, 6, d))
    scatter, matrix = Scatter.of(x, y), rng.standard_normal((2, d, d))
    frame = Frame.of(scatter, matrix)
    np.testing.assert_allclose(frame.yy, scatter.syy, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(frame.vy, matrix @ scatter.sxy, rtol=1e-9, atol=1e-9)
    eta = scatter.dx @ np.swapaxes(matrix, 1, 2) * 0.7 + 0.3 * scatter.dy
    np.testing.assert_allclose(frame.latent(0.3), np.swapaxes(eta, 1, 2) @ eta, rtol=1e-9, atol=1e-9)
    back = scatter.swap().swap()
    assert all(np.array_equal(getattr(back, f), getattr(scatter, f)) for f in ("x_mean", "dy", "sxx", "sxy", "syy"))


@both_dimensions
@a_seed
def test_the_rotation_maximises_its_trace_and_is_proper(d, seed):
    rng = np.random.default_rng(seed)
    h = rng.standard_normal((d, d))
    turn, nu = proper_rotation(h)
    assert np.linalg.det(turn) == pytest.approx(1) and np.trace(turn @ h) == pytest.approx(nu)
    others = [np.trace(rotation(rng, d) @ h) for _ in range(50)]
    assert max(others) <= nu + 1e-12
    assert nuclear_norm(h) == pytest.approx(np.linalg.svd(h, compute_uv=False).sum())
    u, _ = scipy_linalg.polar(h.T)
    if np.linalg.det(u) > 0:
        np.testing.assert_allclose(turn, u, atol=1e-9)


@both_dimensions
@a_seed
def test_roots_and_inverses_of_covariances(d, seed):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((3, d, d))
    c = a @ np.swapaxes(a, 1, 2) + 0.01 * np.eye(d)
    np.testing.assert_allclose(inverse_symmetric(c) @ c, np.broadcast_to(np.eye(d), c.shape), atol=1e-9)
    half = root(c)
    np.testing.assert_allclose(half @ np.swapaxes(half, 1, 2), c, atol=1e-12)
    assert (root(np.zeros((d, d))) == 0).all()


def test_each_pair_is_left_out_once():
    x = np.arange(8.0).reshape(4, 2)
    others = without_each(x)
    assert others.shape == (4, 3, 2)
    for i in range(4):
        np.testing.assert_array_equal(others[i], np.delete(x, i, 0))
    np.testing.assert_array_equal(without_each(x, slice(1, 3)), others[1:3])
