"""Is it only noise? Tests of a simpler model of the transformation against a wider one that contains it (theory, section 7)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .errors import InputError, RegistrationWarning, UndeterminedError, UnsupportedError
from .hypotheses import TESTS, NestedTest, Outcome, parse_test, with_options
from .hypotheses.groups import Groups, parse_groups
from .hypotheses.seeds import Seed, checked_draws, checked_seed
from .hypotheses.wild import TRIED, WildF
from .models import Model, parse_model
from .nested import LADDER, steps
from .noise import Noise, parse_noise
from .pairs import FiducialPairs
from .results import assumed_noise, fit


@dataclass(frozen=True, eq=False)
class Comparison:
    """A test of a simpler against a wider model, for one dataset or a batch (...).

    Attributes
    ----------
    models : (str, str)
        The null model and the wider one.
    noise : Noise
        What was assumed of the noise.
    statistic, p_value : (...)
        The statistic and its p-value; NaN where there is no verdict.
    dof : (q, v)
        Degrees of freedom: parameters that the wider model has more, and residual ones; v is infinite where none enter, with a
        known scale and in chi-square tests.
    exact : bool
        Whether the law is exact under the null.
    unresolved : (...) bool
        Datasets that the wider model fits exactly, to rounding: nothing is left to judge by.
    failure : (...) int
        One `Failure` code for each dataset.
    test : NestedTest
        Which test it was, with its options.
    law : str
        What the p-value rests on, in words.
    """

    models: tuple[str, str]
    noise: Noise
    statistic: np.ndarray
    p_value: np.ndarray
    dof: tuple[float, float]
    exact: bool
    unresolved: np.ndarray
    failure: np.ndarray
    test: NestedTest
    law: str

    @property
    def null(self) -> str:
        """The null hypothesis in words."""
        from .reporting.comparisons import null_hypothesis

        return null_hypothesis(self)

    @property
    def verdict(self) -> str:
        """What the test says, in one sentence; for a batch, how many of its datasets reject."""
        from .reporting.comparisons import comparison_verdict

        return comparison_verdict(self)

    def __str__(self) -> str:
        from .reporting.comparisons import comparison_report

        return comparison_report(self)


def compare_models(pairs: FiducialPairs, null: str | Model, wider: str | Model, noise: str | Noise = "both",
                   on_failure: str = "raise", *, test: str | NestedTest = "F", groups: Groups | None = None,
                   draws: int | None = None, seed: Seed | None = None) -> Comparison:
    """Test whether the simpler of two nested models explains the pairs: rigid < similarity < affine.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset, or a batch (..., n, d); for the tests of raters the last axis of the batch is the raters.
    null, wider : {"rigid", "similarity", "affine"} or model objects
    noise : {"both", "target", "source", "full", "given"} or Noise
        Covariances that pairs carry take the place of "both".
    on_failure : {"raise", "mark"}
        What to do with layouts that leave a model undetermined.
    test : name or test object
        With noise that is alike in all directions: "F" (default; ``((RSS_0 - RSS_1)/q)/(RSS_1/v)``, both sums in the metric that
        the null sets), "wild" and "wild-t" (the law of F from random signs of landmarks or groups, without and with weights of
        Student's t), "bootstrap" (from simulated datasets), "raters" and "raters-permuted" (the rater as the unit), and to
        compare with, "bartlett", "chi2", "iso/full". With noise of any covariance: "F" (Wilks' lambda with Rao's F), "bartlett",
        "chi2", "iso/full". With given covariances, in whose metric all sums are: "F", "wild", "wild-t", "bartlett", "chi2".
    groups : sequence of n labels or mapping of names to labels, optional
        Landmarks that belong together, for the wild tests: left-right partners, neighbours.
    draws : int, optional
        Random patterns or datasets of the tests that draw; 999 by default.
    seed : int, SeedSequence or Generator, optional
        Of those; a fixed seed by default, so that one file gives one answer.

    Raises
    ------
    InputError
        When the wider model does not contain the null, and for options that are wrong or that the test does not take.
    UnsupportedError, UndeterminedError
        As `regerr.fit` does for the wider model; for a test that cannot take this noise, or so few landmarks.
    """
    models = parse_model(null), parse_model(wider)
    steps(*models)
    assumed = assumed_noise(pairs, parse_noise(noise))
    chosen = with_options(parse_test(test, assumed), groups=parse_groups(groups, pairs.names), draws=checked_draws(draws),
                          seed=checked_seed(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)  # an exact fit is told in the verdict
        failure = _failures(chosen, pairs, models, assumed, on_failure)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = _applied(chosen, pairs, models, assumed, failure == 0)
    silent = found.unresolved | (failure > 0)
    return Comparison((models[0].card.name, models[1].card.name), assumed, np.where(silent, np.nan, found.statistic),
                      np.where(silent, np.nan, found.p_value), found.dof, found.exact, found.unresolved & (failure == 0), failure,
                      chosen, found.law)


def _failures(test: NestedTest, pairs: FiducialPairs, models: tuple[Model, Model], noise: Noise, on_failure: str) -> np.ndarray:
    """One code for each dataset: of the first of the models, those that the test asks for, that has no fit."""
    subject, wanted = test.fitted_to(pairs), test.fits(*models, noise)
    try:
        # a batch is not searched for slips such as exchanged rows, which would take longer than the test
        codes = [fit(_as_batch(subject), model, own, on_failure).failure for model, own in wanted]
    except UndeterminedError:
        for model, own in wanted:  # again, for the words of one dataset
            fit(subject, model, own, on_failure)
        raise
    return np.asarray(np.where(codes[0] > 0, codes[0], codes[-1])).reshape(subject.batch_shape)


def _as_batch(pairs: FiducialPairs) -> FiducialPairs:
    """A single dataset as a batch of one."""
    if pairs.batch_shape:
        return pairs
    return FiducialPairs(pairs.source[None], pairs.target[None], pairs.names, pairs.source_unit, pairs.target_unit,
                         pairs.source_covariance, pairs.target_covariance, source_step=pairs.source_step,
                         target_step=pairs.target_step)


def _applied(test: NestedTest, pairs: FiducialPairs, models: tuple[Model, Model], noise: Noise, usable: np.ndarray) -> Outcome:
    """The outcome of a batch, NaN for datasets that are not usable."""
    if usable.size and usable.all():
        return test.apply(pairs, *models, noise)
    if not usable.any():
        empty = np.full(usable.shape, np.nan)
        return Outcome(empty, empty, (np.nan, np.nan), "no dataset has a fit", np.zeros(usable.shape, bool))
    part = test.apply(pairs[usable], *models, _part(noise, usable))
    spread = [np.full(usable.shape, fill) for fill in (np.nan, np.nan, False)]
    for whole, some in zip(spread, (part.statistic, part.p_value, part.unresolved), strict=True):
        whole[usable] = some
    return Outcome(spread[0], spread[1], part.dof, part.law, spread[2], part.exact)


def _part(noise: Noise, usable: np.ndarray) -> Noise:
    """The noise of some datasets: covariances that differ from dataset to dataset go with them."""
    stated = {name: getattr(noise, name) for name in ("source_covariance", "target_covariance")}
    own = {name: c[usable] for name, c in stated.items() if c is not None and np.ndim(c) == usable.ndim + 3}
    return replace(noise, **own) if own else noise


@dataclass(frozen=True, eq=False)
class Ladder:
    """All comparisons of rigid < similarity < affine that one dataset allows.

    Attributes
    ----------
    comparisons : tuple of Comparison
    skipped : tuple of str
        Why other comparisons were not possible, one sentence each.
    beside : tuple of Comparison
        The wild tests of the same steps, where the test is another one and they are to be had.
    alone : str
        Why there are none though groups were given.
    """

    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...]
    beside: tuple[Comparison, ...] = ()
    alone: str = ""

    @property
    def simplest(self) -> str | None:
        """The simplest model that no comparison rejects at 5 %; None without a verdict."""
        from .reporting.comparisons import REJECTED

        told = [c for c in self.comparisons if not np.isnan(c.p_value)]
        if not told:
            return None
        rejected = {c.models[0] for c in told if c.p_value < REJECTED}
        return next(step.name for step in LADDER if step.name not in rejected)

    def __str__(self) -> str:
        from .reporting.comparisons import ladder_report

        return ladder_report(self)


def compare_ladder(pairs: FiducialPairs, noise: str | Noise = "both", *, test: str | NestedTest = "F",
                   groups: Groups | None = None, draws: int | None = None, seed: Seed | None = None) -> Ladder:
    """Rigid against similarity, similarity against affine, rigid against affine, for one dataset.

    A comparison that the pairs or the noise do not allow is skipped, with its reason. Beside F stand the wild tests where there
    are enough landmarks (6 in 2D, 12 in 3D); ``groups``, ``draws`` and ``seed`` go to them. All arguments are those of
    `compare_models`.

    Raises
    ------
    InputError
        For a batch (beyond the raters of a test of raters), for an unknown noise or test, and for wrong options.
    """
    assumed = assumed_noise(pairs, parse_noise(noise))
    chosen = parse_test(test, assumed)
    single = chosen.fitted_to(pairs)
    if single.batch_shape:
        raise InputError(f"these are a batch of shape {pairs.batch_shape}: test pairs[i], or compare_models for all at once")
    options: dict[str, Any] = {"groups": groups, "draws": draws, "seed": seed}
    wild = _beside(chosen, pairs, assumed, groups)
    if wild is None:
        return Ladder(*_climbed(pairs, assumed, chosen, options))
    found, skipped = _climbed(pairs, assumed, chosen, {})
    beside, missing = _climbed(pairs, assumed, wild, options)
    return Ladder(found, skipped, beside, "" if beside or not missing else f"No wild F: {missing[0].partition(': ')[2]}.")


def _beside(chosen: NestedTest, pairs: FiducialPairs, noise: Noise, groups: Groups | None) -> NestedTest | None:
    """The wild test, where it can stand beside the chosen one, or groups ask for it."""
    if chosen.name != "F" or "wild" not in TESTS[noise.shape]:
        return None
    return WildF() if pairs.n >= TRIED[pairs.dimension] or groups is not None else None


def _climbed(pairs: FiducialPairs, noise: Noise, test: NestedTest,
             options: dict[str, Any]) -> tuple[tuple[Comparison, ...], tuple[str, ...]]:
    """The comparisons that one test makes, and why others are missing."""
    found: list[Comparison] = []
    skipped: list[str] = []
    for i, j in ((0, 1), (1, 2), (0, 2)):
        try:
            found.append(compare_models(pairs, LADDER[i].name, LADDER[j].name, noise, test=test, **options))
        except (UndeterminedError, UnsupportedError) as fault:
            skipped.append(f"Not tested, {LADDER[i].name} against {LADDER[j].name}: {fault}")
    return tuple(found), tuple(skipped)
