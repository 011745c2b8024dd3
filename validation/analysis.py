"""What a study does with one chunk: draw it, ask every estimator, and enter what came out into sums."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from regerr.bounds import cramer_rao
from regerr.errors import Failure, RegistrationError
from simulations import Observed

from .protocol import Estimator, Prediction, failed, family_of, kinds_of, volume_is_cheap
from .study import Chunk
from .sums import Ledger

_FAMILIES = ("rigid", "similarity", "affine")
_KEPT = 20  # failures of one estimator that a chunk lists one by one; all are counted
NO_LEVEL = float("nan")


def analyse(chunk: Chunk) -> pd.DataFrame:
    """The table of sums of a chunk; its ``attrs`` hold the fingerprint and the failures with their replicates."""
    observed = chunk.draw()
    parts, failures = [], []
    for estimator in chunk.scenario.estimators:
        try:
            table, lost = _examined(chunk, estimator, observed)
        except RegistrationError as fault:
            table, lost = _refused(chunk, estimator, str(fault))
        parts.append(table)
        failures += lost
    out = pd.concat(parts, ignore_index=True)
    out.attrs = {"fingerprint": chunk.fingerprint, "failures": failures}
    return out


def _examined(chunk: Chunk, estimator: Estimator, observed: Observed) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    scenario, ledger = chunk.scenario, Ledger(estimator.name)
    predictions: dict[str, Prediction] = {}
    for kind in (k for k in scenario.kinds if k in kinds_of(estimator)):
        asked, answer = _question(kind, observed)
        predictions[kind] = estimator.predict(observed.pairs, asked, kind)
        _enter_coverage(ledger, kind, scenario.levels, predictions[kind], answer)
        if kind in scenario.volume_kinds:
            _enter_volumes(ledger, kind, scenario.volume_levels, _to_measure(chunk, estimator, predictions[kind], kind, observed))
    if "tre" in kinds_of(estimator):
        asked, truth = _question("tre", observed)
        at_truth = predictions.get("tre") or estimator.predict(observed.pairs, asked, "tre")
        _enter_precision(ledger, at_truth, truth, _bound_for(estimator, chunk, observed))
        predictions["tre"] = at_truth
    if not predictions:
        raise RegistrationError(f"{estimator.name} answers {', '.join(kinds_of(estimator))}, and this scenario asks "
                                f"{', '.join(scenario.kinds)}")
    lost, reasons = _failures(next(iter(predictions.values())))
    ledger.add("", NO_LEVEL, "failed", lost)
    return ledger.table(), _listed(chunk, estimator, np.flatnonzero(lost), reasons)


def _question(kind: str, observed: Observed) -> tuple[np.ndarray, np.ndarray]:
    """Where is asked, in the source, and which target point the region should hold."""
    t = observed.targets
    return {"tre": (t.true_source, t.true_target), "lre": (t.source, t.true_target), "observation": (t.source, t.target)}[kind]


def _enter_coverage(ledger: Ledger, kind: str, levels: tuple[float, ...], prediction: Prediction, answer: np.ndarray) -> None:
    """Whether regions hold the answers; those of failed datasets do not."""
    kept = ~failed(prediction)[:, None]
    p_value = getattr(prediction, "p_value", None) if len(levels) > 1 else None
    p = None if p_value is None else p_value(answer)
    for level in levels:
        inside = prediction.region(level).contains(answer) if p is None else p >= 1.0 - level
        ledger.add(kind, level, "covered", inside & kept)


def _to_measure(chunk: Chunk, estimator: Estimator, prediction: Prediction, kind: str, observed: Observed) -> Prediction | None:
    """The prediction whose regions are measured: all datasets where that is cheap, else the first ones or none."""
    if volume_is_cheap(estimator):
        return prediction
    if not chunk.measured:
        return None
    first, (asked, _) = slice(chunk.measured), _question(kind, observed)
    return estimator.predict(observed.pairs[first], asked[first] if asked.ndim > 2 else asked, kind)


def _enter_volumes(ledger: Ledger, kind: str, levels: tuple[float, ...], prediction: Prediction | None) -> None:
    if prediction is None:
        return
    for level in levels:
        volume = np.asarray(prediction.region(level).volume, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm = np.log(volume)
        ledger.add(kind, level, "volume", volume)
        ledger.add(kind, level, "log_volume", logarithm)
        ledger.add(kind, level, "unbounded", np.where(np.isnan(volume), np.nan, np.isinf(volume)))


def _enter_precision(ledger: Ledger, prediction: Prediction, truth: np.ndarray, bound: np.ndarray | None) -> None:
    """Squared deviation of the estimate at the true target, what the estimator expected of it, and how it stands to the bound."""
    deviation = prediction.mean - truth
    squared = np.einsum("...d,...d->...", deviation, deviation)
    ledger.add("tre", NO_LEVEL, "squared_tre", squared)
    ledger.add("tre", NO_LEVEL, "expected_square", np.asarray(prediction.rms, float) ** 2)
    if bound is not None:
        ledger.add("tre", NO_LEVEL, "tre_over_bound", squared / bound)


def _bound_for(estimator: Estimator, chunk: Chunk, observed: Observed) -> np.ndarray | None:
    """Trace of the Cramer-Rao bound in the estimator's family, (m,) or (..., m); None when the truth is outside of it.

    None, too, when the noise states no covariance, and when fiducials were spoiled.
    """
    truth, noise = chunk.scenario.truth, chunk.scenario.experiment.noise
    family = family_of(estimator) or truth
    stated = [getattr(noise, name, None) for name in ("source_covariance", "target_covariance")]
    outside = _FAMILIES.index(family) < _FAMILIES.index(truth)
    if outside or observed.spoiled.any() or all(c is None for c in stated):
        return None
    source, target = (0.0 if c is None else c for c in stated)
    transform: Any = observed.true_transform
    bound = cramer_rao(family, observed.true_source, transform, source, target, observed.targets.true_source)
    return np.asarray(np.einsum("...ii->...", bound))


def _failures(prediction: Prediction) -> tuple[np.ndarray, list[str]]:
    """Which datasets failed, bool (b,), and a reason for each of those."""
    lost = failed(prediction)
    codes: Any = getattr(prediction, "failure", None)
    return lost, ["" if codes is None else _reason(int(codes[i])) for i in np.flatnonzero(lost)]


def _reason(code: int) -> str:
    """The sentence of a code of this library; any other code as it is."""
    return Failure(code).sentence if code in set(Failure) else f"code {code}"


def _listed(chunk: Chunk, estimator: Estimator, replicates: Iterable[int], reasons: Iterable[str]) -> list[dict[str, Any]]:
    """The first failures, each with what draws it again and its reason."""
    where = {"scenario": chunk.scenario.identity, "chunk": chunk.index}
    return [{**where, "replicate": int(i), "estimator": estimator.name, "reason": reason}
            for i, reason in islice(zip(replicates, reasons, strict=True), _KEPT)]


def _refused(chunk: Chunk, estimator: Estimator, reason: str) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """An estimator that cannot be used on these pairs at all: nothing is covered."""
    ledger = Ledger(estimator.name)
    nothing = np.zeros((chunk.count, chunk.scenario.experiment.targets.n), bool)
    for kind in (k for k in chunk.scenario.kinds if k in kinds_of(estimator)):
        for level in chunk.scenario.levels:
            ledger.add(kind, level, "covered", nothing)
    ledger.add("", NO_LEVEL, "failed", np.ones(chunk.count, bool))
    return ledger.table(), _listed(chunk, estimator, [-1], [reason])
