"""Runs the cells, and judges each way from pairs to regions at beads that no registration saw."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regerr.results import RegistrationResult

from ..casewise import CONFIDENCE, mean_columns, share, share_columns
from ..cellwise import tables
from ..content import code_digest, digest
from ..kept import write_both
from ..runner import Report
from .steps import WAYS, Case, Registered, case_of, ways_of
from .study import LEVEL, MARGIN, SILENT, SURE, Cell, ChainStudy

_QUANTILE = 2.576  # standard errors to the end of an interval
COLUMNS = {
    "title": "what is special about the images", "dimension": "2 or 3", "model": "of matching and registration",
    "way": "from pairs to regions", "replicates": "pairs of images", "accepted": "share of matchings that were not refused",
    "pairs": "mean over accepted cases, as the rest", "precision": "share of right pairs", "recall": "share of true pairs found",
    "tre": "coverage at the true places of held-out beads, target tre", "tre_se": "over cases",
    "observation": "coverage of where held-out beads are seen", "observation_se": "",
    "rms": "r.m.s. TRE at held-out beads, target units", "told": "r.m.s. TRE that is told",
    "typical": "the same, median over cases",
    "wrong": "share of all cases accepted and wrong", "wrong_low": "99 % interval", "wrong_high": "",
    "silent": "share of all cases wrong without a warning", "silent_low": "99 % interval", "silent_high": "",
    "claims": "declared", "verdict": "holds, fails or undecided",
}


def run(study: ChainStudy, folder: Path, workers: int | None = None, report: Report | None = None) -> pd.DataFrame:
    """Compute what is missing, write ``chain.parquet`` and ``.csv``, and return the table; columns as in `COLUMNS`."""
    found = tables(study.cells, folder / "cells", partial(cases, study), partial(_fingerprint, study), workers, report)
    whole = summarised(dict(zip(study.cells, found, strict=True)))
    write_both(folder, "chain", whole)
    return whole


def cases(study: ChainStudy, cell: Cell) -> pd.DataFrame:
    """One row per case and way."""
    return pd.DataFrame([row for i in range(cell.cases) for row in judged(cell, study.seed, i)])


def judged(cell: Cell, seed: int, i: int) -> list[dict[str, Any]]:
    """One case, by every way; a refused matching is one row of each that says so."""
    case = case_of(cell, cell.generator(seed, i))
    accepted = case.found.accepted
    made = ways_of(case, cell.model, (seed, i)) if accepted else {}
    start: dict[str, Any] = {"accepted": float(accepted), "wrong": 0.0, "silent": 0.0}
    return [{"way": way, **start} | (_judged(case, made[way]) if accepted else {}) for way in made or WAYS]


def _judged(case: Case, one: Registered) -> dict[str, float]:
    result, images = one.result, case.truth.apply(case.held)
    tre = result.predict(case.held, "tre")
    astray = float(np.mean(~tre.region(SURE).contains(images))) > 0.5
    wrong = bool(astray or case.right.mean() < 0.5)
    return {
        "pairs": result.pairs.n, "precision": case.right.mean(), "recall": case.right.sum() / max(case.true_pairs.n, 1),
        "tre": tre.region(LEVEL).contains(images).mean(),
        "observation": _observed(case, result),
        "square": ((tre.mean - images) ** 2).sum(-1).mean(), "told": (tre.rms**2).mean(), "wrong": float(wrong),
        "silent": float(wrong and not one.warned),
    }


def _observed(case: Case, result: RegistrationResult) -> float:
    """Share of held-out beads that are seen within their region, told how they were localised if the fiducials were."""
    source, target = case.seen
    if not len(source):
        return float("nan")
    told = result.noise.shape == "given"
    known = {"source_covariance": source.covariance, "target_covariance": target.covariance} if told else {}
    return float(result.predict(source.points, "observation", **known).region(LEVEL).contains(target.points).mean())


def summarised(tables: dict[Cell, pd.DataFrame]) -> pd.DataFrame:
    """One row for each cell and way."""
    return pd.DataFrame([_row(cell, way, table[table["way"] == way]) for cell, table in tables.items() for way in WAYS],
                        columns=list(COLUMNS))


def _row(cell: Cell, way: str, table: pd.DataFrame) -> dict[str, Any]:
    count, kept = len(table), table[table["accepted"] == 1.0]
    row: dict[str, Any] = {"title": cell.title, "dimension": cell.dimension, "model": cell.model, "way": way, "replicates": count,
                           "accepted": table["accepted"].mean(), "pairs": kept["pairs"].mean(),
                           "precision": kept["precision"].mean(), "recall": kept["recall"].mean()}
    for kind in ("tre", "observation"):
        row |= mean_columns(kept[kind], kind)
    row |= {"rms": np.sqrt(kept["square"].mean()), "told": np.sqrt(kept["told"].mean()),
            "typical": np.sqrt(kept["told"].median())}
    for name in ("wrong", "silent"):
        row |= share_columns(table, name)
    claims, verdict = _verdict(row) if cell.claimed and way == "chain" else ("", "")
    return row | {"claims": claims, "verdict": verdict}


def _verdict(row: dict[str, Any]) -> tuple[str, str]:
    """Claims in words, and whether 99 % intervals confirm that of coverage, contradict one, or leave it open.

    One cell has too few cases to confirm how rarely the chain is wrong and silent: `silent` judges all cells together.
    """
    gaps = [(MARGIN - abs(row[kind] - LEVEL), _QUANTILE * row[f"{kind}_se"]) for kind in ("tre", "observation")]
    sure = all(gap >= half for gap, half in gaps)
    broken = any(gap < -half for gap, half in gaps) or row["silent_low"] > SILENT
    words = f"coverage within {MARGIN:g}; wrong without a warning at most {SILENT:g}"
    return words, "fails" if broken else "holds" if sure else "undecided"


def silent(table: pd.DataFrame) -> str:
    """How often the chain of all claimed cells together is wrong and does not say so, in one sentence."""
    rows = table[(table["way"] == "chain") & (table["claims"] != "")]
    count = int(rows["replicates"].sum())
    value, low, high = share((rows["silent"] * rows["replicates"]).sum() / max(count, 1), count)
    verdict = "holds" if high <= SILENT else "fails" if low > SILENT else "undecided"
    return (f"Wrong without a warning: {round(value * count)} of {count:,} pairs of images, {100 * low:.2g} to "
            f"{100 * high:.2g} % ({CONFIDENCE:.0%} interval); claimed at most {100 * SILENT:g} %: {verdict}.")


def _fingerprint(study: ChainStudy, cell: Cell) -> str:
    return digest(cell, study.seed, code_digest())
