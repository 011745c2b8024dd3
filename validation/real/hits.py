"""What every estimator's regions hold: one row per point, estimator and level, and the sizes of the regions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from regerr.errors import RegistrationError
from regerr.noise import Noise
from regerr.regions import Ellipsoid

from ..catalogue import DEFAULT, Catalogue
from ..estimators import Registration, Told
from ..protocol import Estimator, Prediction, failed, kinds_of, method_of, uses_covariances, volume_is_cheap
from .cases import Case
from .sets import Question

LEVELS = (0.5, 0.9, 0.95, 0.99)
SIZED = 0.95  # level whose regions are measured
KIND = "observation"
_STEP = 5  # from the first point measured in one case to that in the next: not always the same landmark
UNEQUAL = ("interpolated-rank", "mixture")  # methods whose size comes from the pairs, and whose shape from given covariances


@dataclass(frozen=True, eq=False)
class Answers:
    """What one question found.

    Attributes
    ----------
    question : Question
    cases : list of Case
    hits : DataFrame
        family, estimator, label, method, case (number), point (number in the case), deviation (length, target unit), radius (over
        the first-order region's, at `SIZED`; NaN where it was not measured), and a column of 0 and 1 for each of `LEVELS`.
    refused : DataFrame
        family, estimator, case, reason: what an estimator cannot do.
    seconds : float
    """

    question: Question
    cases: list[Case]
    hits: pd.DataFrame
    refused: pd.DataFrame
    seconds: float


def estimators(question: Question, family: str, slow: bool = True) -> tuple[Estimator, ...]:
    """All that answer where a point will be localised; the first is the default, and ours assume the question's noise."""
    told = Noise(shape="given") if question.given else None
    listed = Catalogue(family, question.noise, told)
    given = () if told is None else _told(family, told)
    every = (*listed.quick(), *listed.ranks(), *given, *(listed.slow() if slow else ()))
    return tuple({e.name: e for e in every if KIND in kinds_of(e)}.values())


def _told(family: str, told: Noise) -> tuple[Estimator, ...]:
    """Those that are given covariances, beside the ones of all studies; the first is not given the points' own."""
    mean = Registration(family, told, DEFAULT, f"{family}-{DEFAULT}-mean-given",
                        f"{family}, {DEFAULT}, covariances given, points as the mean fiducial")
    own = [Registration(family, told, method, f"{family}-{method}-given",
                        f"{family}, {method.replace('-', ' ')}, covariances given") for method in UNEQUAL]
    return (Told(mean), *own)


def ask(question: Question, cases: Sequence[Case], measured: int, asked: Mapping[str, Sequence[Estimator]]) -> Answers:
    """Put a question to estimators.

    Parameters
    ----------
    measured : int
        Regions without a closed form that are measured, over all cases.
    asked : mapping
        The estimators of each family, the first-order one among them.
    """
    start, tables, refused = time.perf_counter(), [], []
    few = max(measured // len(cases), 1)
    for family, listed in asked.items():
        for estimator in listed:
            for number, case in enumerate(cases):
                try:
                    found = _answers(estimator, case, few if number < measured else 0, _STEP * number)
                except RegistrationError as fault:
                    refused.append({"family": family, "estimator": estimator.name, "case": number, "reason": str(fault)})
                    continue
                tables.append(found.assign(family=family, estimator=estimator.name, label=estimator.label,
                                           method=method_of(estimator), case=number))
    hits = _relative(pd.concat(tables, ignore_index=True), [f"{family}-wald" for family in asked])
    columns = ["family", "estimator", "case", "reason"]
    return Answers(question, list(cases), hits, pd.DataFrame(refused, columns=columns), time.perf_counter() - start)


def _answers(estimator: Estimator, case: Case, measured: int, first: int) -> pd.DataFrame:
    """Hits of one case, and radii of the points whose region is measured, evenly spaced from the first on."""
    prediction = _predicted(estimator, case)
    lost = failed(prediction)[:, None]
    out = pd.DataFrame({str(level): (held & ~lost).ravel() for level, held in _held(prediction, case.answers)})
    radius = np.full(case.count, np.nan)
    if volume_is_cheap(estimator) or isinstance(prediction.region(SIZED), Ellipsoid):
        radius = _radii(prediction, case).ravel()
    elif measured:
        place, part = _part(case, measured, first)
        radius[place] = _radii(_predicted(estimator, part), part).ravel()
    deviation = np.linalg.norm(case.answers - prediction.mean, axis=-1).ravel()
    return out.assign(point=np.arange(case.count), deviation=deviation, radius=radius)


def _predicted(estimator: Estimator, case: Case) -> Prediction:
    """With the covariances of the case, if it has some and the estimator uses them."""
    predict: Any = estimator.predict
    known = case.localised
    if known is None or not uses_covariances(estimator):
        return predict(case.pairs, case.points, KIND)
    return predict(case.told, case.points, KIND, source_covariance=known.source, target_covariance=known.target)


def _held(prediction: Prediction, answers: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    p_value: Any = getattr(prediction, "p_value", None)
    p = None if p_value is None else np.asarray(p_value(answers))
    for level in LEVELS:
        yield level, np.asarray(prediction.region(level).contains(answers) if p is None else p >= 1.0 - level)


def _radii(prediction: Prediction, case: Case) -> np.ndarray:
    """Radius of the ball of a region's volume, but for a factor that all share."""
    volume = np.asarray(prediction.region(SIZED).volume, float)
    return np.asarray(np.broadcast_to(volume, case.points.shape[:2]) ** (1.0 / case.points.shape[-1]))


def _part(case: Case, count: int, first: int) -> tuple[np.ndarray, Case]:
    """Some points of a case, and where they stand among all."""
    numbered = replace(case, landmarks=tuple(map(str, range(case.count)))).some(count, first)
    return np.array(numbered.landmarks, int), numbered


def _relative(hits: pd.DataFrame, references: Iterable[str]) -> pd.DataFrame:
    """Radii over those of the first-order region at the same point."""
    key = ["family", "case", "point"]
    first = hits.loc[hits["estimator"].isin(list(references)), [*key, "radius"]].rename(columns={"radius": "first"})
    both = hits.merge(first, on=key, how="left")
    with np.errstate(invalid="ignore", divide="ignore"):
        return both.assign(radius=both["radius"] / both["first"]).drop(columns="first")


def reasons(answers: Answers) -> dict[str, str]:
    """For each estimator that was refused everywhere, the first reason."""
    asked = set(answers.hits["estimator"])
    rows = answers.refused[~answers.refused["estimator"].isin(asked)]
    return dict(zip(rows["estimator"], rows["reason"], strict=True)) if len(rows) else {}

