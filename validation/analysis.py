"""What a study does with one chunk: draw it, ask every estimator, and enter what came out into sums."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from regerr.errors import Failure, RegistrationError
from simulations import Observed

from .asking import answer, asker
from .draws import taken
from .entries import NO_LEVEL, enter_coverage, enter_precision, enter_volumes
from .oracle import Oracle, holds, judged_in, oracle
from .protocol import Estimator, Prediction, failed, family_of, kinds_of, volume_is_cheap
from .study import Chunk, Scenario
from .sums import KEYS, SUMS, Ledger

_KEPT = 20  # failures of one estimator that a chunk lists one by one; all are counted


def analyse(chunk: Chunk) -> pd.DataFrame:
    """The table of sums of a chunk; its ``attrs`` hold the fingerprint, the failures with their replicates, and seconds."""
    draws = Draws(chunk.scenario, chunk.draw())
    cuts = {chunk.count: draws}
    parts, failures, seconds = [], [], []
    for estimator in chunk.scenario.estimators:
        limits = chunk.limits(estimator.name)
        if not limits.run:
            continue
        own = cuts.setdefault(limits.run, draws.first(limits.run))
        try:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # what is not finite is counted as failed
                ledger, lost, reasons, spent = _examined(estimator, own, limits.measured)
        except RegistrationError as fault:
            ledger, lost, reasons, spent = _refused(estimator, own, str(fault))
        place = {"scenario": chunk.scenario.identity, "chunk": chunk.index, "estimator": estimator.name}
        parts.append(ledger.table())
        failures += _listed(place, lost, reasons)
        seconds.append({**place, "datasets": own.count, "seconds": spent})
    out = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*KEYS, *SUMS])
    out.attrs = {"fingerprint": chunk.fingerprint, "failures": failures, "seconds": seconds}
    return out


@dataclass(frozen=True, eq=False)
class Draws:
    """Datasets of a scenario, and the oracles of all families."""

    scenario: Scenario
    observed: Observed

    @property
    def count(self) -> int:
        """Datasets."""
        return len(self.observed.spoiled)

    @cached_property
    def _oracles(self) -> dict[str, Oracle | None]:
        return {}  # filled as they are asked for: a larger family may need more fiducials than there are

    def first(self, count: int) -> Draws:
        """The first ones, at most so many."""
        return Draws(self.scenario, taken(self.observed, slice(min(count, self.count))))

    def oracle(self, estimator: Estimator) -> Oracle | None:
        """What the regions of an estimator are held against."""
        family = judged_in(family_of(estimator), self.scenario.truth)
        if family not in self._oracles:
            self._oracles[family] = oracle(family, self.scenario.experiment, self.observed)
        return self._oracles[family]

    def bound(self, estimator: Estimator) -> Oracle | None:
        """What its estimates are held against: the truth in its family, Gaussian noise and nothing spoiled, or None."""
        gaussian = not hasattr(self.scenario.experiment.noise, "noise") and not self.observed.spoiled.any()
        return self.oracle(estimator) if gaussian and holds(family_of(estimator), self.scenario.truth) else None


def _examined(estimator: Estimator, draws: Draws, measured: int) -> tuple[Ledger, np.ndarray, list[str], float]:
    """Sums; which datasets failed and why; and the seconds that fitting and testing all targets took, volumes apart."""
    scenario, ledger = draws.scenario, Ledger(estimator.name)
    ask = asker(estimator, scenario.experiment, draws.observed)
    answered = kinds_of(estimator)
    kinds = [kind for kind in scenario.kinds if kind in answered]
    if not kinds and "tre" not in answered:
        raise RegistrationError(f"{estimator.name} answers {', '.join(answered)}, and this scenario asks "
                                f"{', '.join(scenario.kinds)}")
    started = time.perf_counter()
    predictions: dict[str, Prediction] = {}
    for kind in kinds:
        predictions[kind] = ask(kind)
        enter_coverage(ledger, kind, scenario.levels, predictions[kind], answer(kind, draws.observed))
    spent = time.perf_counter() - started
    _measure(ledger, estimator, {k: predictions[k] for k in kinds if k in scenario.volume_kinds}, draws, measured)
    if "tre" in answered:
        predictions["tre"] = predictions.get("tre") or ask("tre")
        enter_precision(ledger, predictions["tre"], draws.observed.targets.true_target, draws.bound(estimator))
    return ledger, *_failures(next(iter(predictions.values()))), spent


def _measure(ledger: Ledger, estimator: Estimator, predictions: dict[str, Prediction], draws: Draws, measured: int) -> None:
    """Volumes of all datasets where they cost little, else of the first ones or none."""
    cheap = volume_is_cheap(estimator)
    if not predictions or not (cheap or measured):
        return
    own = draws if cheap else draws.first(measured)
    ask = asker(estimator, draws.scenario.experiment, own.observed)
    for kind, prediction in predictions.items():
        enter_volumes(ledger, kind, draws.scenario.volume_levels, prediction if cheap else ask(kind), own.oracle(estimator))


def _failures(prediction: Prediction) -> tuple[np.ndarray, list[str]]:
    """Which datasets failed, bool (b,), and a reason for each of those."""
    lost = failed(prediction)
    codes: Any = getattr(prediction, "failure", None)
    return lost, ["" if codes is None else _reason(int(codes[i])) for i in np.flatnonzero(lost)]


def _reason(code: int) -> str:
    """The sentence of a code of this library; any other code as it is."""
    return Failure(code).sentence if code in set(Failure) else f"code {code}"


def _listed(place: dict[str, Any], lost: np.ndarray, reasons: Iterable[str]) -> list[dict[str, Any]]:
    """The first failures, each with what draws it again and its reason; replicate -1 for all of them at once."""
    numbers = np.flatnonzero(lost).tolist() if lost.ndim else [-1]
    return [{**place, "replicate": i, "reason": reason} for i, reason in islice(zip(numbers, reasons, strict=True), _KEPT)]


def _refused(estimator: Estimator, draws: Draws, reason: str) -> tuple[Ledger, np.ndarray, list[str], float]:
    """An estimator that cannot be used on these pairs at all: nothing is covered."""
    ledger = Ledger(estimator.name)
    nothing = np.zeros((draws.count, draws.scenario.experiment.targets.n), bool)
    for kind in (k for k in draws.scenario.kinds if k in kinds_of(estimator)):
        for level in draws.scenario.levels:
            ledger.add(kind, level, "covered", nothing)
            ledger.add(kind, level, "failed", np.ones(draws.count, bool))
    ledger.add("", NO_LEVEL, "failed", np.ones(draws.count, bool))
    return ledger, np.array(True), [reason], float("nan")
