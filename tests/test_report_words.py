"""What a report says: the verdict in plain words, what to do next, and what would help, each with the right number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_report import SECTIONS, made, written

import regerr
from regerr import FiducialPairs, Noise, RegistrationResult, RegistrationWarning
from regerr.io import Points
from regerr.report import sections
from regerr.report.contents import Contents, gather
from regerr.report.gains import gains
from regerr.report.words import headline, methods, steps

# What it says


def told(result: RegistrationResult, targets: Any = None) -> Contents:
    return gather(result, targets)


def test_the_headline_is_the_summary_in_three_sentences() -> None:
    contents = told(made())
    radius = [float(one.radius[0]) for one in (contents.found.centre, contents.found.edge)]
    sure, model, beads = headline(contents)
    low, high = map(float, re.findall(r"is ([\d.]+) to ([\d.]+) px", sure)[0])
    np.testing.assert_allclose([low, high], radius, rtol=0.05)
    p = min(float(test.p_value) for test in contents.ladder.comparisons if test.models[0] == "rigid")
    assert model == f"No evidence against a rigid transformation (p = {p:.2f})."
    assert beads == "No fiducial disagrees with the others."


def test_a_misplaced_fiducial_is_named_first_and_marked(tmp_path: Path) -> None:
    good = made(12)
    y = good.pairs.target.copy()
    y[6] += 25.0
    pairs = FiducialPairs(good.pairs.source, y, [f"bead {i}" for i in range(12)], "nm", "nm")
    contents = told(regerr.fit(pairs))
    assert headline(contents)[2].startswith("'bead 6' is suspicious: it lies ")
    assert "'bead 6'" in steps(contents)[0] and contents.suspicious == {"bead 6"}
    page = written(regerr.fit(pairs), tmp_path)
    assert [attrs.get("class") for tag, attrs in page.tags if tag == "tr"].count("marked") == 1
    assert ("section", {"class": "verdict doubtful"}) in page.tags


def test_a_wrong_model_is_told_with_what_another_would_give() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 100, (15, 2))
    contents = told(regerr.fit(FiducialPairs(x, x @ [[1.0, 0.08], [0.0, 0.95]] + rng.normal(0, 0.3, x.shape)), "rigid"))
    model, first, second = headline(contents)[1], *steps(contents)[:2]
    assert model.startswith("There is evidence against a rigid transformation (p < 0.0001): an affine one fits better")
    assert "--model affine" in first and second.startswith("With an affine model")
    affine = regerr.fit(contents.result.pairs, "affine")
    apart = np.linalg.norm(affine.residuals - contents.result.residuals, axis=-1).max()
    assert float(re.findall(r"up to ([\d.]+) px", model)[0]) == pytest.approx(apart, rel=0.05)


def test_a_simpler_model_is_offered() -> None:
    said = steps(told(made(model="affine")))
    assert any(step.startswith("A rigid model (--model rigid) would do") for step in said)


def test_without_bounds_nothing_is_said_to_be_usable(tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform(0, 100, (7, 2)) * [1.0, 0.005]
    result = regerr.fit(FiducialPairs(x, x + np.random.default_rng(2).normal(0, 1, x.shape)), "affine")
    page = written(result, tmp_path)
    assert "do not tell how sure" in page.words and "Use the registration within" not in page.words
    assert "would close it" in page.words and "unbounded" in page.words


def test_exact_pairs_are_told_apart(tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform(0, 100, (7, 2))
    with pytest.warns(RegistrationWarning, match="fit exactly"):
        result = regerr.fit(FiducialPairs(x, x + 5))
    assert "The pairs fit exactly, to rounding" in written(result, tmp_path).words


@pytest.mark.parametrize(("noise", "model"), [("target", "affine"), ("source", "affine"), ("full", "affine"),
                                              (Noise(scale=1.0), "rigid"), ("both", "similarity")])
def test_every_noise_and_model_has_a_page(tmp_path: Path, noise: Any, model: str) -> None:
    page = written(made(14, 3, model=model, noise=noise), tmp_path)
    assert page.balanced and all(title in page.words for title in SECTIONS)


@pytest.mark.parametrize("d", [2, 3])
def test_covariances_of_the_fiducials_have_a_page(tmp_path: Path, d: int) -> None:
    covariance = np.tile(np.diag(np.arange(1.0, d + 1)), (6, 1, 1))
    page = written(made(6, d, target_covariance=covariance), tmp_path)
    assert page.balanced and all(title in page.words for title in SECTIONS)
    assert "add a fiducial near" in page.words or "No single new fiducial would help much" in page.words


def test_two_units_are_told_in_both() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 100, (9, 2))
    pairs = FiducialPairs(x, 50 * x + rng.normal(0, 30, x.shape), source_unit="px", target_unit="nm")
    contents = told(regerr.fit(pairs, "similarity"))
    both = re.findall(r"is ([\d.]+) to ([\d.]+) nm \(([\d.]+) to ([\d.]+) px of the source\)", headline(contents)[0])
    low, high, back_low, back_high = map(float, both[0])
    np.testing.assert_allclose([low / back_low, high / back_high], 50, rtol=0.06)


def test_the_methods_sentence_holds_the_numbers() -> None:
    contents = told(made(model="rigid"))
    said = methods(contents)
    result = contents.result
    assert f"regerr {regerr.__version__}" in said and "9 matched fiducials in 2D" in said
    for value in (result.fre_rms, result.fle_rms, contents.found.centre.rms[0], contents.found.edge.radius[0]):
        assert any(float(x) == pytest.approx(float(value), rel=0.006) for x in re.findall(r"([\d.]+) px", said))
    assert re.search(r"Against a similarity transformation: F\(1, 14\) = [\d.]+, p = 0\.\d+", said)


# What would help


def test_a_gain_is_that_of_a_design_with_one_more_fiducial() -> None:
    """Simulated: with the new fiducial the mean squared TRE falls by the factor that was told."""
    contents = told(made(8, seed=4))
    more = gains(contents.result, contents.ends)
    assert more is not None and more.one < more.before and more.doubled == pytest.approx(more.before / np.sqrt(2))
    result, place = contents.result, contents.ends.prediction.targets[contents.ends.names.index(more.name)]
    rng, k = np.random.default_rng(5), 20000
    truth = result.transform
    squares = []
    for x in (result.pairs.source, np.concatenate([result.pairs.source, more.place[None]])):
        source, target = (points + rng.normal(0, 0.5, (k, *points.shape)) for points in (x, truth.apply(x)))
        fits = regerr.fit(FiducialPairs(source, target))
        off = fits.transform.apply(np.broadcast_to(place, (k, 1, 2))) - truth.apply(place[None])
        squares.append((off**2).sum((-2, -1)))
    ratio = np.sqrt(squares[1].mean() / squares[0].mean())
    error = 0.5 * ratio * np.hypot(*(s.std() / s.mean() / np.sqrt(k) for s in squares))
    assert abs(more.one / more.before - ratio) < 4 * error + 0.01  # the estimate stands for the truth to first order
    assert abs(1.0 - ratio) > 10 * error


def unequal(d: int, n: int = 9, seed: int = 7) -> RegistrationResult:
    """A registration of fiducials with covariances of their own in both spaces, up to one factor."""
    rng = np.random.default_rng([seed, d])
    x = rng.uniform(0, 100, (n, d))
    roots = rng.normal(size=(2, n, d, d)) * rng.uniform(0.3, 2.0, (n, 1, 1))
    source, target = roots @ np.swapaxes(roots, -1, -2) / d + 0.1 * np.eye(d)
    noise = [np.einsum("nij,nj->ni", np.linalg.cholesky(c), rng.standard_normal((n, d))) for c in (source, target)]
    return regerr.fit(FiducialPairs(x + noise[0], x + 20 + noise[1], source_covariance=source, target_covariance=target))


@pytest.mark.parametrize("d", [2, 3])
def test_a_gain_under_given_noise_is_that_of_a_pair_really_added(d: int) -> None:
    """With a pair added where the fit puts it, the first-order covariance at the place falls as was told."""
    result = unequal(d)
    contents = told(result)
    more = gains(result, contents.ends)
    assert more is not None and more.one < more.before
    place = contents.ends.prediction.targets[contents.ends.names.index(more.name)]
    pairs, turn = result.pairs, result.transform.matrix
    assert pairs.source_covariance is not None and pairs.target_covariance is not None
    seen = pairs.target_covariance + turn @ pairs.source_covariance @ turn.T
    sizes = np.trace(seen, axis1=1, axis2=2)
    k = pairs.names.index(more.like)
    assert sizes[k] == np.median(sizes)

    def told_with(times: float) -> float:
        """R.m.s. TRE at the place, for a factor of 1, with a new pair of the typical noise so many times."""
        carried: dict[str, Any] = {f"{space}_covariance": np.concatenate([c, times * c[k:k + 1]])
                                   for space in ("source", "target") if (c := getattr(pairs, f"{space}_covariance")) is not None}
        joined = FiducialPairs(np.concatenate([pairs.source, more.place[None]]),
                               np.concatenate([pairs.target, result.transform.apply(more.place[None])]), **carried)
        return float(regerr.fit(joined, "rigid", Noise(scale=1)).predict(place[None], "tre").rms[0])

    alone = float(regerr.fit(pairs, "rigid", Noise(scale=1)).predict(place[None], "tre").rms[0])
    assert more.one / more.before == pytest.approx(told_with(1.0) / alone, rel=1e-6)
    assert more.one / more.before != pytest.approx(told_with(4.0) / alone, rel=0.02)


def test_a_gain_under_given_noise_is_met_by_simulation() -> None:
    """The mean squared TRE of simulated pairs falls by the factor that was told, with the noise of the typical fiducial."""
    result = unequal(2)
    contents = told(result)
    more = gains(result, contents.ends)
    assert more is not None
    place = contents.ends.prediction.targets[contents.ends.names.index(more.name)]
    rng, draws, pairs = np.random.default_rng(11), 4000, result.pairs
    k = pairs.names.index(more.like)
    squares = []
    for points, rows in ((pairs.source, np.arange(pairs.n)),
                         (np.concatenate([pairs.source, more.place[None]]), np.append(np.arange(pairs.n), k))):
        assert pairs.source_covariance is not None and pairs.target_covariance is not None
        given = [c[rows] for c in (pairs.source_covariance, pairs.target_covariance)]
        roots = [np.linalg.cholesky(0.25 * c) for c in given]
        source, target = (true + np.einsum("nij,bnj->bni", root, rng.standard_normal((draws, *true.shape)))
                          for true, root in zip((points, result.transform.apply(points)), roots, strict=True))
        fits = regerr.fit(FiducialPairs(source, target, source_covariance=given[0], target_covariance=given[1]))
        off = fits.transform.apply(np.broadcast_to(place, (draws, 1, 2))) - result.transform.apply(place[None])
        squares.append((off**2).sum((-2, -1)))
    ratio = np.sqrt(squares[1].mean() / squares[0].mean())
    error = 0.5 * ratio * np.hypot(*(s.std() / s.mean() / np.sqrt(draws) for s in squares))
    assert abs(more.one / more.before - ratio) < 4 * error
    assert abs(1.0 - ratio) > 4 * error


def test_the_page_says_how_well_a_new_fiducial_is_localised() -> None:
    result = unequal(2)
    contents = told(result)
    assert contents.gains is not None
    (said,) = [step for step in steps(contents) if "fiducial near" in step or "best one, near" in step]
    assert f"if it is localised as well as {contents.gains.like!r}, the fiducial of median noise" in said
    assert not any("median noise" in step for step in steps(told(made(9))))


def test_an_open_region_under_given_noise_is_told_how_to_close() -> None:
    """Covariances of the fiducials do not stand in the way of the advice."""
    x = np.random.default_rng(1).uniform(0, 100, (7, 2)) * [1.0, 0.005]
    covariance = np.tile(np.diag([1.0, 2.0]), (7, 1, 1))
    pairs = FiducialPairs(x, x + np.random.default_rng(2).normal(0, 1, x.shape), source_covariance=covariance,
                          target_covariance=covariance)
    contents = told(regerr.fit(pairs, "affine"))
    assert contents.found.opening is not None
    assert any("would close it" in step for step in steps(contents))


def test_no_gain_is_told_where_nothing_can_be() -> None:
    x = np.random.default_rng(1).uniform(0, 100, (7, 2))
    with pytest.warns(RegistrationWarning, match="fit exactly"):
        result = regerr.fit(FiducialPairs(x, x + 5))
    assert gains(result, gather(result).ends) is None


def test_a_page_takes_the_sd_of_targets_as_a_prediction_does():
    rng = np.random.default_rng(4)
    x, covariance = 20.0 * rng.standard_normal((9, 2)), np.tile(np.eye(2), (9, 1, 1))
    pairs = FiducialPairs(x, x + rng.standard_normal(x.shape), source_covariance=covariance, target_covariance=covariance)
    own = np.array([4.0, 25.0])[:, None, None] * np.eye(2)
    result, asked = regerr.fit(pairs), Points(x[:2], ("a", "b"), "px", own)
    contents = gather(result, asked)
    for one in contents.targets:
        known = None if one.kind == "tre" else own
        np.testing.assert_allclose(one.covariance, result.predict(x[:2], one.kind, source_covariance=known).covariance)
    text = str(sections.predictions(contents))
    assert text.count("as noisy as the s.d. that came with it") == 2
    plain = gather(result, Points(x[:2], ("a", "b"), "px"))
    assert "as noisy as the s.d." not in str(sections.predictions(plain))
