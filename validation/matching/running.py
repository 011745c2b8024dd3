"""Runs the cells, and judges the matchings of each."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regerr.matching import Matching, match
from regerr.pairs import FiducialPairs
from regerr.results import fit

from ..casewise import mean_columns, share_columns
from ..cellwise import tables
from ..content import code_digest, digest
from ..kept import write_both
from ..runner import Report
from .scenes import Case, Related
from .study import COVERAGE, FALSE, Cell, MatchingStudy

_LIMIT = 3.0  # r.m.s. TRE over the noise of one image, below which an alignment is true
COLUMNS = {
    "dimension": "2 or 3", "n": "points on each side", "missing": "share of each side without partner; NaN for unrelated sets",
    "layout": "of unrelated sets, or field", "noise": "s.d. per coordinate in each image", "model": "that is asked for",
    "replicates": "cases", "accepted": "share", "accepted_low": "99 % interval", "accepted_high": "",
    "success": "share accepted with r.m.s. TRE below 3 s.d. of the noise", "success_low": "99 % interval", "success_high": "",
    "wrong": "share accepted with fewer than half of the pairs right", "precision": "share of right pairs, mean over accepted",
    "precision_se": "", "recall": "share of true pairs found, mean over accepted", "recall_se": "",
    "coverage_found": "of 95 % regions for tre over the field, found pairs", "coverage_true": "the same cases, true pairs",
    "coverage_difference": "found minus true", "coverage_difference_se": "", "seconds": "of one matching, median, processor time",
    "claims": "declared", "verdict": "holds, fails or undecided",
}


def run(study: MatchingStudy, folder: Path, workers: int | None = None, report: Report | None = None) -> pd.DataFrame:
    """Compute what is missing, write ``matching.parquet`` and ``.csv``, and return the table; columns as in `COLUMNS`."""
    found = tables(study.cells, folder / "cells", partial(replicates, study), partial(_fingerprint, study), workers, report)
    whole = summarised(study, dict(zip(study.cells, found, strict=True)))
    write_both(folder, "matching", whole)
    return whole


def replicates(study: MatchingStudy, cell: Cell) -> pd.DataFrame:
    """One row per case."""
    judge = _judged if cell.related else _unrelated
    return pd.DataFrame([judge(cell, cell.generator(study.seed, i)) for i in range(study.replicates)])


def summarised(study: MatchingStudy, tables: dict[Cell, Any]) -> pd.DataFrame:
    """The rows of all cells."""
    return pd.DataFrame([_row(cell, tables[cell]) for cell in study.cells], columns=list(COLUMNS))


def _judged(cell: Cell, rng: np.random.Generator) -> dict[str, float]:
    scene = cell.scene
    assert isinstance(scene, Related)
    case, targets = scene.sample(rng), scene.targets(rng)
    found, seconds = _timed(case.source, case.target, cell.model)
    row = {"accepted": float(found.accepted), "success": 0.0, "wrong": 0.0, "seconds": seconds, "precision": np.nan,
           "recall": np.nan, "coverage_found": np.nan, "coverage_true": np.nan}
    if not found.accepted or found.best is None:
        return row
    right = case.partner[found.best.source_index] == found.best.target_index
    size = abs(np.linalg.det(case.truth.matrix)) ** (1.0 / scene.dimension)
    tre = np.sqrt(((found.transform.apply(targets) - case.truth.apply(targets)) ** 2).sum(-1).mean())
    row |= {"success": float(tre < _LIMIT * scene.noise * size), "wrong": float(right.mean() < 0.5), "precision": right.mean(),
            "recall": right.sum() / (case.partner >= 0).sum()}
    return row | _coverages(cell, case, found.pairs, targets)


def _unrelated(cell: Cell, rng: np.random.Generator) -> dict[str, float]:
    source, target = cell.scene.sample(rng)  # type: ignore[misc]
    found, seconds = _timed(source, target, cell.model)
    return {"accepted": float(found.accepted), "success": np.nan, "wrong": float(found.accepted), "seconds": seconds,
            "precision": np.nan, "recall": np.nan, "coverage_found": np.nan, "coverage_true": np.nan}


def _coverages(cell: Cell, case: Case, pairs: FiducialPairs, targets: np.ndarray) -> dict[str, float]:
    """Coverage over the field of the regions from found pairs, and from the true ones."""
    common = np.flatnonzero(case.partner >= 0)
    true = FiducialPairs(case.source[common], case.target[case.partner[common]])
    images = case.truth.apply(targets)
    shares = [float(fit(p, cell.model, on_failure="mark").predict(targets, "tre").region(0.95).contains(images).mean())
              for p in (pairs, true)]
    return {"coverage_found": shares[0], "coverage_true": shares[1]}


def _timed(source: np.ndarray, target: np.ndarray, model: str) -> tuple[Matching, float]:
    start = time.process_time()
    return match(source, target, model), time.process_time() - start


def _row(cell: Cell, table: pd.DataFrame) -> dict[str, Any]:
    scene, count = cell.scene, len(table)
    accepted = table[table["accepted"] == 1.0]
    row: dict[str, Any] = {"dimension": scene.dimension, "n": scene.n, "missing": getattr(scene, "missing", np.nan),
                           "layout": getattr(scene, "layout", f"field, {getattr(scene, 'share_of_field', 1.0):g} of the other's"),
                           "noise": getattr(scene, "noise", np.nan), "model": cell.model, "replicates": count,
                           "wrong": table["wrong"].mean(), "seconds": table["seconds"].median()}
    for name in ("accepted", "success"):
        row |= share_columns(table, name)
    difference = accepted["coverage_found"] - accepted["coverage_true"]
    for name, values in (("precision", accepted["precision"]), ("recall", accepted["recall"]),
                         ("coverage_difference", difference)):
        row |= mean_columns(values, name)
    row |= {name: accepted[name].mean() for name in ("coverage_found", "coverage_true")}
    return row | dict(zip(("claims", "verdict"), _verdict(cell, row), strict=True))


def _verdict(cell: Cell, row: dict[str, Any]) -> tuple[str, str]:
    """Claims in words, and whether 99 % intervals confirm all of them, contradict one, or leave one open."""
    z = 2.576
    claims = [(f"success >= {cell.success:g}", row["success_low"] - cell.success, row["success_high"] - cell.success,
               cell.success),
              (f"precision >= {cell.precision:g}", row["precision"] - z * row["precision_se"] - cell.precision,
               row["precision"] + z * row["precision_se"] - cell.precision, cell.precision),
              (f"accepted <= {FALSE:g}", FALSE - row["accepted_high"], FALSE - row["accepted_low"], not cell.related)]
    gap = abs(row["coverage_difference"])
    claims.append((f"coverage within {COVERAGE:g}", COVERAGE - gap - z * row["coverage_difference_se"],
                   COVERAGE - gap + z * row["coverage_difference_se"], cell.success))
    made = [claim for claim in claims if claim[3]]
    words = ("fails" if any(high < 0 for _, _, high, _ in made) else "holds" if all(low >= 0 for _, low, _, _ in made)
             else "undecided")
    return "; ".join(claim[0] for claim in made), words if made else ""


def _fingerprint(study: MatchingStudy, cell: Cell) -> str:
    return digest(cell, study.replicates, study.seed, code_digest())
