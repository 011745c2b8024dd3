"""Runs the cells of the study on any number of workers, with the same numbers, going on where an interrupted run stopped.

Each cell's table is written when it is done; a file whose fingerprint differs, because the cell or the code has changed, is
computed again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from regerr.deformation import Comparison, compare_models
from regerr.hypotheses import parse_test
from regerr.noise import parse_noise
from regerr.pairs import FiducialPairs

from ..content import code_digest, digest
from ..measures import bounds_of_share
from ..runner import cores, write_whole
from ..verdicts import judge_mean
from .cells import MARGIN, Asked, Cell, DeformationStudy

Report = Callable[[int, int], None]  # cells done, cells in all
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
    from joblib import Parallel, delayed

    place = folder / "cells"
    place.mkdir(parents=True, exist_ok=True)
    missing = [cell for cell in study.cells if read(study, cell, place) is None]
    done = len(study.cells) - len(missing)
    jobs = Parallel(n_jobs=workers or cores(), return_as="generator_unordered", batch_size=1)
    for cell, table in jobs(delayed(_computed)(study, cell) for cell in missing):
        table.attrs["fingerprint"] = fingerprint(study, cell)
        write_whole(place / f"{cell.identity}.parquet", partial(table.to_parquet, index=False))
        done += 1
        if report:
            report(done, len(study.cells))
    whole = pd.concat([_read(study, cell, place) for cell in study.cells], ignore_index=True)
    write_whole(folder / "rejections.parquet", lambda path: whole.to_parquet(path, index=False))
    write_whole(folder / "rejections.csv",
                lambda path: whole.to_csv(path, index=False, float_format="%.6g", lineterminator="\n"))
    return whole


def fingerprint(study: DeformationStudy, cell: Cell) -> str:
    """Digest of all that a cell's numbers depend on, the code included."""
    return digest(cell, study.replicates, study.chunk, study.seed, study.levels, code_digest())


def read(study: DeformationStudy, cell: Cell, place: Path) -> pd.DataFrame | None:
    """A cell's table, or None when it is missing, unreadable or was made from something else."""
    try:
        table = pd.read_parquet(place / f"{cell.identity}.parquet")
    except (OSError, ValueError):
        return None
    return table if table.attrs.get("fingerprint") == fingerprint(study, cell) else None


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


def _computed(study: DeformationStudy, cell: Cell) -> tuple[Cell, pd.DataFrame]:
    return cell, rejections(study, cell)


def _read(study: DeformationStudy, cell: Cell, place: Path) -> pd.DataFrame:
    table = read(study, cell, place)
    assert table is not None  # it was written or found a moment ago
    table.attrs = {}  # of one cell; they cannot be joined
    return table
