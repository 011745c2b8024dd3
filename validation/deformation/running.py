"""Runs the cells of the study, and judges how often each test rejects."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from regerr.deformation import Comparison, compare_models
from regerr.hypotheses import parse_test
from regerr.noise import parse_noise
from regerr.pairs import FiducialPairs

from ..cellwise import tables
from ..content import code_digest, digest
from ..kept import write_both
from ..measures import bounds_of_share
from ..runner import Report
from ..verdicts import judge_mean
from .cells import MARGIN, Asked, Cell, DeformationStudy

COLUMNS = {
    "cell": "unique name", "block": "what the cell is part of", "dimension": "2 or 3", "n": "number of landmarks",
    "simpler": "the null model", "wider": "the model that it is tested against", "law": "of the noise",
    "layout": "where landmarks lie", "noise": "s.d. per coordinate in each space", "stretch": "of one axis, 0.01 is one per cent",
    "null": "whether the null is true", "test": "as it is asked for", "label": "what figures call it",
    "assumed": "of the noise", "level": "nominal", "replicates": "datasets", "rejected": "share of datasets rejected",
    "rejected_se": "", "rejected_low": "99 % interval", "rejected_high": "", "silent": "share of datasets without a verdict",
    "margin": "declared for true nulls", "verdict": "holds, too often, too rarely or undecided: true nulls at 5 % only",
}


def run(study: DeformationStudy, folder: Path, workers: int | None = None, report: Report | None = None) -> pd.DataFrame:
    """Compute what is missing, write ``rejections.parquet`` and ``.csv``, and return the table; columns as in `COLUMNS`."""
    parts = tables(study.cells, folder / "cells", partial(rejections, study), partial(fingerprint, study), workers, report)
    whole = pd.concat(parts, ignore_index=True)
    write_both(folder, "rejections", whole)
    return whole


def fingerprint(study: DeformationStudy, cell: Cell) -> str:
    """Digest of all that a cell's numbers depend on, the code included."""
    return digest(cell, study.replicates, study.chunk, study.seed, study.levels, code_digest())


def rejections(study: DeformationStudy, cell: Cell) -> pd.DataFrame:
    """How often each test of a cell rejects, at each level."""
    found = [_p_values(study, cell, asked) for asked in cell.tests]
    rows = [_row(cell, asked, p, level) for asked, p in zip(cell.tests, found, strict=True) for level in study.levels]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _p_values(study: DeformationStudy, cell: Cell, asked: Asked) -> np.ndarray:
    """P-values of all datasets of a cell, chunk by chunk; every test sees the same datasets."""
    wanted = min(study.replicates, asked.limit or study.replicates)
    parts = []
    for index, start in enumerate(range(0, wanted, study.chunk)):
        size = min(study.chunk, study.replicates - start)
        pairs = cell.scene.sample(cell.generator(study.seed, index), size)
        parts.append(_tested(cell, asked, pairs, np.random.SeedSequence([study.seed, index])).p_value[:wanted - start])
    return np.concatenate(parts)


def _tested(cell: Cell, asked: Asked, pairs: FiducialPairs, seed: np.random.SeedSequence) -> Comparison:
    if asked.averaged:
        pairs = FiducialPairs(pairs.source.mean(-3), pairs.target.mean(-3))
    groups = [i // 2 for i in range(pairs.n)] if asked.groups else None
    draws = hasattr(parse_test(asked.test, parse_noise(asked.noise)), "seed")
    return compare_models(pairs, cell.simpler, cell.wider, asked.noise, "mark", test=asked.test, groups=groups,
                          seed=seed if draws else None)


def _row(cell: Cell, asked: Asked, p: np.ndarray, level: float) -> list[object]:
    scene, silent = cell.scene, np.isnan(p)
    share = float((p < level).mean())
    error = float(np.sqrt(share * (1.0 - share) / len(p)))
    low, high = bounds_of_share(np.array(share), np.array(float(len(p))), 0.995)
    null = scene.stretch == 0.0
    layout = f"uniform, side {scene.side:g}" if scene.side else f"s.d. {', '.join(f'{s:g}' for s in dict.fromkeys(scene.spread))}"
    verdict = _judged(share, error, len(p)) if null and level == 0.05 else ""
    label = parse_test(asked.test, parse_noise(asked.noise)).label
    more = ", groups told" if asked.groups else ", mean points" if asked.averaged else ""
    return [cell.identity, cell.block, scene.dimension, scene.n, cell.simpler, cell.wider, scene.law.word, layout, scene.noise,
            scene.stretch, null, asked.name, label + more, asked.place, level, len(p), share, error, float(low), float(high),
            float(silent.mean()), MARGIN, verdict]


def _judged(share: float, error: float, replicates: int) -> str:
    """The size of a test against the declared margin, in the words of tests: a coverage is what it does not reject."""
    words = {"covers": "holds", "under-covers": "too often", "over-covers": "too rarely"}
    said = str(judge_mean(1.0 - share, error, replicates, 1, 0.95, MARGIN))
    return words.get(said, said)
