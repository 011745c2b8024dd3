"""The table of theory section 15: coverage and area of distribution-free and resampling regions.

Noise of variance 1 in both spaces, fiducials of s.d. 22 px (covariance 500 I), targets like them or uniform over 1024 px.
A coverage may differ from the sheet's by four standard errors, its own and the sheet's (.006, .01 where far from nominal); a
median area by four of its own and 5 % (the sheet has no error for areas, and one layout there is not ours).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

import regerr
from regerr import FiducialPairs
from regerr.baselines.bootstrap import PairsBootstrap, ParametricBootstrap
from regerr.baselines.conformal import JackknifePlus, LeaveOneOutConformal, LeverageConformal, SplitConformal
from regerr.baselines.leave_one_out import LeaveOneOutDisk, LeaveOneOutEllipse
from regerr.baselines.refits import Baseline

COUNT, MEASURED = 1000, 120
EVERYTHING = (1.0, math.inf)
Cell = tuple[str, int]
Row = tuple[tuple[float, float | None], tuple[float, float | None]]  # coverage and area over the likelihood ratio's, near and far

TABLE: dict[Cell, dict[type[Baseline], Row]] = {
    ("rigid", 25): {
        LeaveOneOutDisk: ((0.919, 0.84), (0.565, 0.32)), LeaveOneOutConformal: ((0.961, 1.13), (0.642, None)),
        JackknifePlus: ((0.962, 1.14), (0.738, None)), SplitConformal: (EVERYTHING, EVERYTHING),
        LeverageConformal: ((0.960, 1.12), (0.938, 1.76)), PairsBootstrap: ((0.931, 0.90), (0.921, 1.5)),
        ParametricBootstrap: ((0.936, 0.92), (0.937, 1.7))},
    ("affine", 10): {
        LeaveOneOutDisk: ((0.876, 0.70), (0.145, 0.02)), LeaveOneOutConformal: (EVERYTHING, EVERYTHING),
        JackknifePlus: (EVERYTHING, EVERYTHING), SplitConformal: (EVERYTHING, EVERYTHING),
        LeverageConformal: (EVERYTHING, EVERYTHING), PairsBootstrap: ((0.934, None), (0.975, 1.6)),
        ParametricBootstrap: ((0.907, 0.79), (0.918, 0.78))},
    ("affine", 25): {
        LeaveOneOutDisk: ((0.913, None), (0.246, 0.06)), LeaveOneOutConformal: ((0.956, 1.15), (0.309, None)),
        JackknifePlus: ((0.956, 1.17), (0.422, None)), SplitConformal: (EVERYTHING, EVERYTHING),
        LeverageConformal: ((0.956, 1.12), (0.953, 1.12)), PairsBootstrap: ((0.932, None), (0.934, None)),
        ParametricBootstrap: ((0.932, None), (0.917, 0.91))},
    ("rigid", 100): {
        LeaveOneOutDisk: ((0.942, None), (0.819, 0.59)), LeaveOneOutConformal: ((0.952, None), (0.829, None)),
        SplitConformal: ((0.962, 1.12), (0.742, None)), LeverageConformal: ((0.952, None), (0.949, 1.15))},
}
ROWS = [(cell, baseline) for cell, rows in TABLE.items() for baseline in rows]


@cache
def draws(model: str, n: int) -> tuple[FiducialPairs, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs, two targets of each dataset (near, far) as seen in the source and in the target, and areas to compare with."""
    rng = np.random.default_rng([15, n, len(model)])
    x = math.sqrt(500) * rng.standard_normal((COUNT, n, 2))
    near, far = math.sqrt(500) * rng.standard_normal((COUNT, 1, 2)), rng.uniform(-512, 512, (COUNT, 1, 2))
    t = np.concatenate([near, far], 1)
    seen = [v + rng.standard_normal(v.shape) for v in (x, x, t, t)]
    few = regerr.fit(FiducialPairs(seen[0][:MEASURED], seen[1][:MEASURED]), model)
    area = few.predict(seen[2][:MEASURED], "observation").region(0.95, "likelihood-ratio").volume
    return FiducialPairs(seen[0], seen[1]), seen[2], seen[3], area


def within(found: np.ndarray, expected: float) -> bool:
    theirs = 0.006 if expected > 0.9 else 0.01
    return abs(found.mean() - expected) <= 4 * math.hypot(theirs, found.std() / math.sqrt(len(found)))


@cache
def measured(cell: Cell, baseline: type[Baseline]) -> tuple[np.ndarray, np.ndarray]:
    """Hits (COUNT, 2), and areas over the likelihood ratio's (MEASURED, 2)."""
    pairs, seen, landed, area = draws(*cell)
    hits = baseline(cell[0]).predict(pairs, seen, "observation").region(0.95).contains(landed)
    few = FiducialPairs(pairs.source[:MEASURED], pairs.target[:MEASURED])
    return hits, baseline(cell[0]).predict(few, seen[:MEASURED], "observation").region(0.95).volume / area


@pytest.mark.parametrize(("cell", "baseline"), ROWS, ids=[f"{m}-{n}-{b.__name__}" for (m, n), b in ROWS])
def test_a_row_of_the_table(cell: Cell, baseline: type[Baseline]) -> None:
    hits, ratio = measured(cell, baseline)
    for i, (coverage, area) in enumerate(TABLE[cell][baseline]):
        if area == math.inf:
            assert hits[:, i].all() and np.isinf(ratio[:, i]).all()
            continue
        assert within(hits[:, i], coverage), f"{hits[:, i].mean():.3f} for {coverage}"
        if area is not None:
            error = 1.25 * ratio[:, i].std() / math.sqrt(MEASURED)
            assert abs(np.median(ratio[:, i]) - area) < 0.05 * area + 0.005 + 4 * error, np.median(ratio[:, i])


def test_neighbours_in_the_table_are_told_apart() -> None:
    """The same check on another row's numbers fails."""
    disk, conformal = measured(("rigid", 25), LeaveOneOutDisk)[0], measured(("rigid", 25), LeaveOneOutConformal)[0]
    assert not within(disk[:, 0], 0.961) and not within(conformal[:, 0], 0.919) and not within(conformal[:, 1], 0.565)


def test_the_leave_one_out_ellipse_fails_away_from_the_fiducials_as_the_disk_does() -> None:
    """Not in the sheet: near nominal among the fiducials, by Hotelling's factor, and as short as the disk far out."""
    for cell, far in ((("rigid", 25), 0.7), (("affine", 25), 0.35)):
        hits, _ = measured(cell, LeaveOneOutEllipse)
        assert within(hits[:, 0], 0.95) and hits[:, 1].mean() < far
