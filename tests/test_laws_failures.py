"""What happens where there is no answer: degenerate layouts, too few pairs, exact fits, questions that cannot be asked."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cases import CASES, Case, points_near, targets_near

import regerr
from regerr import (
    Failure,
    FiducialPairs,
    InputError,
    Noise,
    RegistrationError,
    RegistrationWarning,
    UndeterminedError,
    UnsupportedError,
)

each_case = pytest.mark.parametrize("case", CASES, ids=str)

# Points made up for arithmetic may look mismatched, and are; test_suspicions.py has the warnings
pytestmark = pytest.mark.filterwarnings("ignore:.*(mirrored fit|look exchanged|too small to be true)")


def line(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 50.0 + rng.uniform(-20, 20, (n, 1)) * rng.standard_normal(d)


def plane(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 50.0 + rng.uniform(-20, 20, (n, 2)) @ rng.standard_normal((2, d))


def one_place(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return np.broadcast_to(rng.uniform(-20, 20, d), (n, d)).copy()


LAYOUTS = {"one place": one_place, "line": line, "plane": plane}


def expected_failure(case: Case, layout: str, space: str) -> Failure:
    """Affine needs spread in d dimensions, rotations in one less; the target of a regression may be flat."""
    spread, code = {"one place": (0, Failure.COINCIDENT), "line": (1, Failure.COLLINEAR), "plane": (2, Failure.COPLANAR)}[layout]
    missing = case.dimension - spread
    if case.model == "affine" and case.assumed.ratio == 0 and space == "target":
        return Failure.NONE
    allowed = 0 if case.model == "affine" else 1
    return code if missing > allowed else Failure.NONE


def degenerate_batch(case: Case, layout: str, space: str) -> tuple[FiducialPairs, np.ndarray]:
    """Three datasets of which the middle one is degenerate in one space; and its index."""
    rng = np.random.default_rng(2)
    whole = case.pairs(2, (3,))
    points = {"source": whole.source.copy(), "target": whole.target.copy()}
    points[space][1] = LAYOUTS[layout](rng, case.n, case.dimension)
    return case.of(points["source"], points["target"]), np.array([0, 2])


@each_case
@pytest.mark.parametrize("space", ["source", "target"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_a_degenerate_layout_is_marked_and_leaves_its_neighbours_alone(case, layout, space):
    pairs, sound = degenerate_batch(case, layout, space)
    code = expected_failure(case, layout, space)
    result = case.fit(pairs, on_failure="mark")
    if code == Failure.NONE and case.given:
        # two layouts that have nothing in common: the best map may stretch without end
        assert result.failure[1] in (Failure.NONE, Failure.NOT_SETTLED) and not result.failure[sound].any()
        return
    assert list(result.failure) == [0, int(code), 0]
    if code == Failure.NONE:
        return
    targets = targets_near(2, case.dimension)
    alone = case.fit(case.of(pairs.source[sound], pairs.target[sound]))
    points = np.full((3, 3, case.dimension), 50.0)
    points[sound] = points_near(alone, targets, 2)
    for kind, method in case.questions:
        where = result.predict(targets, kind)
        assert np.isnan(where.mean[1]).all() and not np.isfinite(where.rms[1]).any()
        assert not np.isfinite(np.einsum("...ii->...", where.covariance[1])).any()
        for level in (0.001, 0.5, 0.999999):
            assert not where.region(level, method).contains(points)[1].any(), f"{kind} {method}"
        p = where.p_value(points, method)
        np.testing.assert_allclose(p[sound], alone.predict(targets, kind).p_value(points[sound], method), atol=1e-10)
        assert not (p[1] > 0).any()
    np.testing.assert_allclose(result.pair_p_values()[sound], alone.pair_p_values(), atol=1e-10)
    np.testing.assert_allclose(result.leave_one_out()[sound], alone.leave_one_out(), atol=1e-10)
    drawn = result.sample(2, np.random.default_rng(0)).matrix
    assert np.isnan(drawn[:, 1]).all() and np.isfinite(drawn[:, sound]).all()


@each_case
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_alone_a_degenerate_layout_raises_its_sentence(case, layout):
    pairs, _ = degenerate_batch(case, layout, "source")
    code = expected_failure(case, layout, "source")
    one = case.of(pairs.source[1], pairs.target[1]) if layout != "one place" else pairs[1]
    if code == Failure.NONE:
        assert case.given or case.fit(one).failure == 0
        return
    with pytest.raises(UndeterminedError) as caught:
        case.fit(one)
    assert str(caught.value) == code.sentence
    with pytest.raises(UndeterminedError, match="1 of 3 datasets"):
        case.fit(pairs)


@pytest.mark.parametrize("case", [c for c in CASES if c.model == "affine" and not c.given], ids=str)
@pytest.mark.parametrize("thin", [1e-9, 1e-11])
def test_the_rank_threshold_is_1e_10(case, thin):
    """A spread of 1e-9 of the largest counts as spread, 1e-11 does not."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((case.n, case.dimension))
    x -= x.mean(0)
    x = np.linalg.qr(x)[0] * np.r_[np.ones(case.dimension - 1), thin]  # spreads known exactly
    y = 3 * x + thin * 0.01 * rng.standard_normal(x.shape)
    failure = case.fit(case.of(x, y), on_failure="mark").failure
    if thin < 1e-10:
        assert failure == (Failure.COLLINEAR if case.dimension == 2 else Failure.COPLANAR)
    else:
        assert failure == Failure.NONE


@each_case
def test_too_few_pairs_are_refused_with_the_mend(case):
    least = case.estimator.least_pairs(case.dimension)
    case.fit(case.pairs(1, n=least))
    with pytest.raises(UndeterminedError, match=f"{least - 1} pairs are too few .* needs {least}: add 1 more"):
        case.fit(case.pairs(1, n=least - 1))


LEAST = {  # scale unknown
    ("rigid", "target"): (2, 3), ("rigid", "source"): (2, 3), ("rigid", "both"): (2, 3),
    ("similarity", "target"): (3, 3), ("similarity", "source"): (3, 3), ("similarity", "both"): (3, 3),
    ("affine", "target"): (4, 5), ("affine", "source"): (4, 5), ("affine", "both"): (4, 5), ("affine", "full"): (5, 7),
}


@pytest.mark.parametrize(("model", "noise"), list(LEAST))
def test_the_least_number_of_pairs_is_that_of_the_table(model, noise):
    found = tuple(Case(model, noise, d).estimator.least_pairs(d) for d in (2, 3))
    assert found == LEAST[model, noise]


@pytest.mark.parametrize("model", ["rigid", "similarity"])
def test_two_fiducials_or_a_line_determine_a_rotation_of_the_plane(model):
    rng = np.random.default_rng(0)
    x = np.outer(np.arange(2.0 if model == "rigid" else 3.0), [3.0, 1.0])
    result = regerr.fit(FiducialPairs(x, x + 0.1 * rng.standard_normal(x.shape)), model)
    assert result.failure == 0 and result.degrees_of_freedom == (1 if model == "rigid" else 2)


@pytest.mark.parametrize("noise", ["full", Noise(1.0, "full")], ids=str)
@pytest.mark.parametrize("model", ["rigid", "similarity"])
def test_a_free_covariance_is_refused_by_name(model, noise):
    with pytest.raises(UnsupportedError, match=f"the {model} model cannot use noise of any covariance"):
        regerr.fit(Case("rigid", "both", 2).pairs(0), model, noise)


def test_lre_is_refused_where_the_share_of_the_source_is_unknown():
    with pytest.raises(InputError, match="'lre' needs the source's share"):
        regerr.fit(Case("affine", "full", 2).pairs(0), "affine", "full").predict([[0.0, 0.0]], "lre")


@pytest.mark.parametrize(("ask", "words"), [
    (lambda r: r.predict([[0.0, 0.0]], "fre"), "the kind is 'fre'"),
    (lambda r: r.predict([[0.0, 0.0, 0.0]], "tre"), r"targets have shape \(1, 3\)"),
    (lambda r: r.predict([0.0, 0.0], "tre"), r"targets have shape \(2,\)"),
    (lambda r: r.predict(np.zeros((2, 1, 2)), "tre"), r"targets have shape \(2, 1, 2\)"),
    (lambda r: r.predict([[0.0, np.nan]], "tre"), "target 1 is not a finite point"),
    (lambda r: r.predict([[0.0, 0.0]], "tre").region(95), "the level is 95"),
    (lambda r: r.predict([[0.0, 0.0]], "tre").region(0.0), "the level is 0"),
    (lambda r: r.predict([[0.0, 0.0]], "tre").region(float("nan")), "the level is nan"),
    (lambda r: r.predict([[0.0, 0.0]], "tre").region("0.95%"), "the level is '0.95%'"),
    (lambda r: r.predict([[0.0, 0.0]], "tre").p_value([[0.0, 0.0]], "best"), "method 'best' is unknown"),
    (lambda r: r.predict([[0.0, 0.0]], "tre").p_value(np.zeros((3, 2))), r"points have shape \(3, 2\)"),
    (lambda r: r.predict([[0.0, 0.0]], "tre").p_value(1.0), r"points have shape \(\)"),
    (lambda r: regerr.fit(r.pairs, "rigit"), "model 'rigit' is unknown"),
    (lambda r: regerr.fit(r.pairs, noise="some"), "noise 'some' is unknown"),
    (lambda r: regerr.fit(r.pairs, on_failure="skip"), "on_failure is 'skip'"),
    (lambda r: Noise(-1.0), "the noise ratio is -1"),
    (lambda r: Noise(scale=0.0), "the known noise s.d. is 0"),
    (lambda r: Noise(shape="round"), "noise shape 'round' is unknown"),
])
def test_a_question_that_cannot_be_asked_is_refused_with_its_value(ask, words):
    with pytest.raises(RegistrationError, match=words) as caught:
        ask(regerr.fit(Case("rigid", "both", 2).pairs(0)))
    assert "\n" not in str(caught.value)


def test_too_few_pairs_to_leave_one_out():
    result = regerr.fit(Case("rigid", "both", 2).pairs(0, n=2))
    with pytest.raises(UndeterminedError, match="leaving one of 2 pairs out needs at least 3"):
        result.leave_one_out()


@pytest.mark.parametrize(("model", "noise", "x"), [
    ("rigid", "both", [[0, 0, 0], [10, 1, 2], [20, 2, 4], [3, 9, 7]]),
    ("similarity", "both", [[0, 0, 0], [10, 1, 2], [20, 2, 4], [30, 3, 6], [3, 9, 7]]),
    ("affine", "target", [[0, 0], [10, 1], [20, 2], [30, 3], [3, 9]]),
    ("affine", "source", [[0, 0], [10, 1], [20, 2], [30, 3], [3, 9]]),
    ("affine", "both", [[0, 0], [10, 1], [20, 2], [30, 3], [3, 9]]),
])
def test_a_pair_that_alone_determines_the_fit_cannot_be_left_out(model, noise, x):
    """The others lie on one line: no number is better than an arbitrary one."""
    x = np.asarray(x, float)
    y = x + 0.1 * np.random.default_rng(1).standard_normal(x.shape)
    result = regerr.fit(FiducialPairs(x, y), model, Noise({"both": 1.0, "target": 0.0, "source": np.inf}[noise], scale=0.1))
    assert np.isnan(result.leave_one_out()[-1]).all() and np.isfinite(result.leave_one_out()[:-1]).all()
    assert np.isnan(result.pair_p_values()[-1]) and np.isfinite(result.pair_p_values()[:-1]).all()


@each_case
def test_an_exact_fit_gives_no_verdict(case):
    """Theory, section 19: s2 = 0, `tre` regions are the point, a warning, and no p-value of a test."""
    rng = np.random.default_rng(5)
    x = np.round(20 * rng.standard_normal((case.n, case.dimension)), 3)
    pairs = case.of(x, x @ case.truth(rng).T + 7.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = case.fit(pairs)
    assert result.fitted.rss == 0
    targets = targets_near(5, case.dimension)
    if case.known_scale:
        assert not any("fit exactly" in str(w.message) for w in caught)
        assert (result.predict(targets, "tre").rms > 0).all() and np.isfinite(result.pair_p_values()).all()
        return
    assert [w.category for w in caught] == [RegistrationWarning] and "fit exactly" in str(caught[0].message)
    assert result.fle_rms == 0 and (result.noise_covariance == 0).all()
    assert np.isnan(result.pair_p_values()).all()
    assert (result.leverages() > 0).all()
    for kind, method in case.questions:
        where = result.predict(targets, kind)
        assert (where.rms == 0).all()
        region = where.region(0.95, method)
        assert region.contains(where.mean).all(), f"{kind} {method}"
        assert not region.contains(where.mean + 1e-6).any(), f"{kind} {method}"
        np.testing.assert_array_equal(where.p_value(where.mean, method), 1.0)
        np.testing.assert_array_equal(where.p_value(where.mean + 1e-6, method), 0.0)


def test_no_targets_and_no_datasets_are_empty_answers():
    none = np.empty((0, 2))
    for case in CASES:
        if case.dimension == 2:
            where = case.fit(case.pairs(1)).predict(none, "tre")
            shapes = where.mean.shape, where.covariance.shape, where.rms.shape, where.p_value(none).shape
            assert shapes == ((0, 2), (0, 2, 2), (0,), (0,)), str(case)
            assert where.region().contains(none).shape == (0,)
            result = case.fit(case.of(np.empty((0, case.n, 2)), np.empty((0, case.n, 2))))
            where = result.predict(np.zeros((3, 2)), "tre")
            shapes = where.mean.shape, where.covariance.shape, where.rms.shape, where.p_value(np.zeros((3, 2))).shape
            assert shapes == ((0, 3, 2), (0, 3, 2, 2), (0, 3), (0, 3)), str(case)
            assert result.pair_p_values().shape == (0, case.n)
