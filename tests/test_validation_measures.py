"""Measures against closed forms, their Monte Carlo errors against repeated simulation, and verdicts with their error rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from regerr.noise import Noise
from simulations import Experiment, Gathered, Rigid, Uniform
from validation import measures
from validation.analysis import analyse
from validation.estimators import Registration
from validation.protocol import failed
from validation.study import Chunk, Scenario
from validation.sums import ALL_TARGETS, Ledger, Moments, merged
from validation.verdicts import CONFIDENCE, Verdict, judge_mean, judge_worst


def moments(values: np.ndarray) -> Moments:
    """Of numbers over replicates (b, k)."""
    ledger = Ledger("e")
    ledger.add("tre", 0.95, "m", values)
    table = ledger.table()
    return Moments.of(table[table["target"] != ALL_TARGETS])


# Sums


def test_sums_of_parts_merge_to_those_of_the_whole():
    values = np.random.default_rng(1).gamma(2.0, size=(90, 4))
    values[3, 1], values[7] = np.inf, np.nan

    def table(part):
        ledger = Ledger("e")
        ledger.add("tre", 0.95, "volume", part)
        ledger.add("", np.nan, "failed", part[:, 0] > 1)
        return ledger.table()

    whole, parts = table(values), merged(table(values[i:i + 30]) for i in (0, 30, 60))
    pd.testing.assert_frame_equal(whole, parts, rtol=1e-13)
    finite = np.ma.masked_invalid(values)
    found = Moments.of(whole[whole["measure"] == "volume"])
    assert np.allclose(found.mean[1:], finite.mean(0)) and np.allclose(found.sd[1:], finite.std(0, ddof=1))
    assert found.count.tolist() == [89, 89, 88, 89, 89]
    assert np.isclose(found.mean[0], finite.mean(1).mean())
    assert np.isclose(found.standard_error[0], finite.mean(1).std(ddof=1) / np.sqrt(89))


def test_hits_are_counted_exactly():
    hits = np.random.default_rng(2).random((50, 3)) < 0.9
    found = moments(hits)
    assert found.total.tolist() == hits.sum(0).tolist() and found.count.tolist() == [50, 50, 50]


def test_one_replicate_has_no_error():
    found = moments(np.ones((1, 2)))
    assert np.isnan(measures.mean(found).error).all() and (found.mean == 1).all()


# Measures


def test_measures_against_their_formulas():
    values = np.random.default_rng(3).gamma(3.0, size=(400, 2))
    m = moments(values)
    assert np.allclose(measures.root_mean_square(moments(values**2)).value, np.sqrt((values**2).mean(0)))
    assert np.allclose(measures.efficiency(m).value, 1 / values.mean(0))
    assert np.allclose(measures.spread(m).value, values.std(0, ddof=1))
    hits = values > 1
    p = hits.mean(0)
    assert np.allclose(measures.proportion(moments(hits)).error, np.sqrt(p * (1 - p) / 400))
    low, high = measures.Measured(np.array(0.95), np.array(0.002)).interval(0.99)
    assert np.allclose([low, high], 0.95 + np.array([-1, 1]) * 0.002 * stats.norm.ppf(0.995))


@pytest.mark.parametrize("measure", [measures.mean, measures.spread, measures.root_mean_square, measures.efficiency])
def test_monte_carlo_errors_are_those_of_repetition(measure):
    """2,000 studies of 200 Gaussian replicates: the reported error is the s.d. over studies within 4 of its own errors (6 %)."""
    values = 5.0 + np.random.default_rng(4).standard_normal((200, 2000))
    found = measure(moments(values))
    ratio = np.sqrt((found.error**2).mean()) / found.value.std()
    assert abs(ratio - 1) < 4 / np.sqrt(2 * 2000)


@pytest.mark.parametrize(("hits", "n", "looks"), [(0, 20, 1), (20, 20, 1), (93, 100, 1), (93, 100, 50)])
def test_bounds_of_a_share_invert_the_score_test(hits, n, looks):
    """At each bound the score test has exactly the remaining probability."""
    share, confidence = hits / n, 0.95
    low, high = measures.bounds_of_share(np.array(share), np.array(n), confidence, looks)
    z = stats.norm.ppf(1 - 0.05 / looks)
    for bound in (low, high):
        if 0 < bound < 1:
            assert np.isclose(abs(share - bound), z * np.sqrt(bound * (1 - bound) / n))
    assert low <= share <= high


# The error of a mean over targets


def icip_chunk(estimator, count: int) -> Chunk:
    """Rigid, 10 gathered fiducials, 100 targets over 1024 x 1024, noise I in both spaces."""
    experiment = Experiment(Gathered(10), Uniform(100, low=-256, high=768), Rigid(),
                            Noise(source_covariance=1.0, target_covariance=1.0))
    return Chunk(Scenario({}, experiment, (estimator,), truth="rigid"), 0, count, 0, 3)


def over_replicates(inside: np.ndarray) -> measures.Measured:
    """Mean coverage of replicates and targets (b, m) as a study enters and reports it."""
    ledger = Ledger("e")
    ledger.add("tre", 0.95, "covered", inside)
    table = ledger.table()
    return measures.mean(Moments.of(table[table["target"] == ALL_TARGETS]))


def test_targets_of_a_replicate_are_not_independent():
    """The error over replicates is the s.d. of repeated studies; over replicates x targets it is 4 to 7 times too small."""
    chunk = icip_chunk(Registration("rigid", "both", "wald"), 4_000)
    observed = chunk.draw()
    prediction = chunk.scenario.estimators[0].predict(observed.pairs, observed.targets.source, "observation")
    inside = prediction.region(0.95).contains(observed.targets.target)
    assert not failed(prediction).any()
    studies = inside.reshape(100, 40, 100)
    truth = studies.mean((1, 2)).std(ddof=1)
    errors = np.array([over_replicates(s).error for s in studies])
    p = inside.mean()
    naive = np.sqrt(p * (1 - p) / (40 * 100))
    assert abs(np.sqrt((errors**2).mean()) / truth - 1) < 4 / np.sqrt(2 * 99)
    assert 4 < truth / naive < 7


def test_efficiency_of_a_rigid_fit_is_that_of_the_theory_sheet():
    """Rigid 2D, n = 10, noise 1: 0.994 with s.e. 0.003 (theory, section 8); a shrunk estimate is not efficient."""
    chunk = icip_chunk(Registration("rigid", "both", "wald"), 20_000)
    one_target = replace(chunk.scenario, experiment=replace(chunk.scenario.experiment, targets=Uniform(1, low=500, high=510)))
    table = analyse(replace(chunk, scenario=one_target))
    rows = table[(table["measure"] == "tre_over_bound") & (table["target"] == 0)]
    found = measures.efficiency(Moments.of(rows))
    assert abs(found.value[0] - 0.994) < 4 * np.hypot(found.error[0], 0.003)


# Verdicts


def study(coverage: float, replicates: int, rng, targets: int = 1, shape=()) -> np.ndarray:
    return rng.binomial(replicates, coverage, (*shape, targets)) / replicates


def judge(share: np.ndarray, replicates: int, level: float = 0.95, margin: float = 0.01) -> Verdict:
    p = float(share[0])
    return judge_mean(p, np.sqrt(p * (1 - p) / replicates), replicates, 1, level, margin)


@pytest.mark.parametrize(("coverage", "replicates", "verdict"), [
    (0.95, 20_000, Verdict.COVERS), (0.947, 20_000, Verdict.COVERS), (0.93, 20_000, Verdict.UNDER), (0.98, 20_000, Verdict.OVER),
    (0.95, 200, Verdict.UNDECIDED), (0.94, 20_000, Verdict.UNDECIDED), (0.1, 50, Verdict.UNDER), (1.0, 50, Verdict.UNDECIDED)])
def test_verdicts(coverage, replicates, verdict):
    assert judge(np.array([coverage]), replicates) is verdict


def test_a_region_at_the_edge_of_the_margin_is_rarely_said_to_cover():
    """At most 5 %, and as rarely to fail; looking at the estimate alone would say so half of the time (negative control)."""
    rng, trials = np.random.default_rng(5), 4_000
    shares = study(0.94, 5_000, rng, shape=(trials,))
    verdicts = np.array([judge(s, 5_000) for s in shares])
    allowed = (1 - CONFIDENCE) + 4 * np.sqrt(0.05 * 0.95 / trials)
    assert (verdicts == Verdict.COVERS).mean() < allowed and (verdicts == Verdict.UNDER).mean() < allowed
    assert ((shares > 0.94) & (shares < 0.96)).mean() > 0.4


def test_the_worst_of_many_targets_is_allowed_for():
    """100 targets exactly at the edge: one is said to fail in at most 5 % of studies; without the allowance in nearly all."""
    rng, trials = np.random.default_rng(6), 1_000
    shares = study(0.93, 2_000, rng, targets=100, shape=(trials,))
    verdicts = np.array([judge_worst(s, np.full(100, 2_000.0), 0.95, 0.02) for s in shares])
    assert (verdicts == Verdict.UNDER).mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials)
    alone = [measures.bounds_of_share(s.min(), np.array(2_000.0), CONFIDENCE)[1] < 0.93 for s in shares]
    assert np.mean(alone) > 0.9
    good = study(0.95, 10_000, rng, targets=100)
    assert judge_worst(good, np.full(100, 1e4), 0.95, 0.02) is Verdict.COVERS
    good[17] = 0.9
    assert judge_worst(good, np.full(100, 1e4), 0.95, 0.02) is Verdict.UNDER


def test_an_error_of_zero_counts_no_more_than_the_replicates():
    """All covered in 100 replicates of 50 targets, at level 0.99: nothing is decided."""
    draws = measures.independent_draws(np.array([1.0, 0.95, 0.95, 0.95]), np.array([0.0, np.nan, 0.01, 1e-9]), np.array(100.0),
                                       np.array(50.0))
    assert draws == pytest.approx([100, 100, 0.95 * 0.05 / 0.01**2, 5_000])
    assert judge_mean(1.0, 0.0, 100, 50, 0.99, 0.004) is Verdict.UNDECIDED
    assert judge_mean(1.0, float("nan"), 1, 50, 0.99, 0.004) is Verdict.UNDECIDED
    assert judge_mean(1.0, 0.0, 10_000, 50, 0.99, 0.004) is Verdict.OVER
