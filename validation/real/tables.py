"""The tables of the real-data study: one row per question, family, estimator and level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from .errors import standard_error
from .hits import LEVELS, SIZED, Answers

CONFIDENCE = 0.95  # of the interval behind a verdict
WIDE = 0.05  # half width of the interval from which on it decides nothing, at level 0.95
NEAR = 0.02  # of the level 0.95, for a coverage that is said to hold it

COLUMNS = {
    "dataset": "name of the data set",
    "question": "what was asked of it",
    "way": "left out (each pair from the others) or transfer (one registration for the points of another)",
    "family": "transformations that were fitted",
    "estimator": "its name, as in the other studies",
    "label": "what figures call it",
    "method": "how it makes regions",
    "level": "nominal",
    "cases": "registrations that it answered",
    "points": "points that were predicted",
    "coverage": "share of points in their region; failures hold nothing",
    "coverage_se": "standard error by leaving out units, and landmarks where they recur; never by counting points",
    "units": "number of units behind it",
    "unit": "what they are; 'block of neighbours' where there are fewer than four others",
    "verdict": "below or above: the level is outside the 95 % t interval; holds: near it and well enough known; else undecided",
    "radius": "median radius over the first-order region's, level 0.95; of balls of equal volume",
    "radius_points": "regions that were measured",
    "unbounded": "share of these that are unbounded",
}

CASE_COLUMNS = {
    "dataset": COLUMNS["dataset"],
    "question": COLUMNS["question"],
    "family": COLUMNS["family"],
    "estimator": COLUMNS["estimator"],
    "case": "what was registered, and whose points were predicted",
    "points": COLUMNS["points"],
    "coverage": "share of points in their region of level 0.95",
    "rms": "of the deviations from the prediction, a length in the unit of the target",
    "radius": COLUMNS["radius"],
}


def summary(all_answers: Sequence[Answers]) -> pd.DataFrame:
    """Columns as in `COLUMNS`."""
    return pd.DataFrame([row for answers in all_answers for row in _rows(answers)], columns=list(COLUMNS))


def by_case(all_answers: Sequence[Answers]) -> pd.DataFrame:
    """One row for each registration that an estimator answered; columns as in `CASE_COLUMNS`."""
    return pd.concat([_by_case(answers) for answers in all_answers], ignore_index=True)


def _by_case(answers: Answers) -> pd.DataFrame:
    own = answers.hits.assign(square=answers.hits["deviation"] ** 2)
    found = own.groupby(["family", "estimator", "case"], sort=False).agg(
        points=("point", "size"), coverage=(str(SIZED), "mean"), square=("square", "mean"), radius=("radius", "median"))
    named = found.reset_index().assign(dataset=answers.question.dataset, question=answers.question.name)
    return named.assign(case=[answers.cases[i].name for i in named["case"]], rms=np.sqrt(named["square"]))[list(CASE_COLUMNS)]


def verdict(coverage: float, error: float, level: float, units: int, points: int) -> str:
    """Whether a coverage holds its level: near it, and known well enough to say so.

    The error is at least what independent points of the nominal coverage would have, since a share of 1 has none of its own;
    "below" and "above" are outside of the interval, and what is neither that nor near is undecided. `WIDE` and `NEAR` go with
    ``sqrt(level (1 - level))``.
    """
    size = float(np.sqrt(level * (1 - level)))
    half = float(stdtrit(max(units - 1, 1), 0.5 + CONFIDENCE / 2)) * max(error, size / np.sqrt(points))
    if coverage + half < level:
        return "below"
    if coverage - half > level:
        return "above"
    scale = size / np.sqrt(0.95 * 0.05)
    return "holds" if half <= WIDE * scale and abs(coverage - level) <= NEAR * scale else "undecided"


def _rows(answers: Answers) -> Iterator[dict[str, object]]:
    question, cases = answers.question, answers.cases
    landmarks = np.concatenate([np.array(case.landmarks, object) for case in cases])
    blocks = np.concatenate([[f"{case.units[0]}, block {block}" for block in case.blocks] for case in cases])
    units = np.concatenate([_repeated(case.units, case.count) for case in cases])
    offset = np.concatenate([[0], np.cumsum([case.count for case in cases])])
    for (family, name), own in answers.hits.groupby(["family", "estimator"], sort=False):
        place = offset[own["case"].to_numpy()] + own["point"].to_numpy()
        first, radius = own.iloc[0], own["radius"].dropna()
        fixed = {"dataset": question.dataset, "question": question.name, "way": question.way, "family": family, "estimator": name,
                 "label": first["label"], "method": first["method"], "cases": own["case"].nunique(), "points": len(own),
                 "radius": radius.median() if len(radius) else np.nan, "radius_points": len(radius),
                 "unbounded": np.isinf(radius).mean() if len(radius) else np.nan}
        recurring = landmarks[place] if question.landmarks else None
        for level in LEVELS:
            hits = own[str(level)].to_numpy(float)
            error, count, stand_in = standard_error(hits, units[place], blocks[place], recurring)
            yield fixed | {"level": level, "coverage": hits.mean(), "coverage_se": error, "units": count,
                           "unit": "block of neighbours" if stand_in else question.unit,
                           "verdict": verdict(hits.mean(), error, level, count, len(hits))}


def _repeated(units: tuple[str, ...], count: int) -> np.ndarray:
    """An array of tuples."""
    out = np.empty(count, object)
    out[:] = [units] * count
    return out
