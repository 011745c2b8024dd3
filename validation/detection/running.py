"""Runs the cells, and judges what each detector makes of their images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from regerr.detection.bounds import disc_bound, gaussian_bound
from simulations.images import BeadImage, Electron, Light

from ..cellwise import tables
from ..content import code_digest, digest
from ..kept import write_both
from ..runner import Report
from .cells import CALIBRATION, Cell, DetectionStudy
from .looking import paired, reach, spots_of

COLUMNS = {
    "cell": "unique name", "block": "what the cell is part of", "dimension": "2 or 3", "photons": "of a bead, or its range",
    "background": "photons per voxel", "contrast": "s.d. of the logarithm of the background", "detector": "who looked",
    "images": "number of images", "beads": "true beads in all", "recall": "share of beads found, within 2 s.d. of a spot",
    "recall_se": "over images", "false_spots": "spots that are no bead, per image", "false_spots_se": "",
    "rms": "r.m.s. deviation per coordinate of beads found, px", "precision": "r.m.s. deviation over the Cramer-Rao bound",
    "precision_se": "", "precision_margin": "declared", "precision_verdict": "holds, exceeds or undecided",
    "calibration": "covariance told over that observed", "calibration_se": "", "calibration_margin": "declared",
    "calibration_verdict": "",
}
_SURE = 1.645  # one-sided 95 %


@dataclass(frozen=True, eq=False)
class Seen:
    """What one detector made of one image: sums over the beads it found."""

    beads: int
    found: int
    false: int
    square: float = 0.0  # per coordinate
    over_bound: float = np.nan
    told: float = np.nan


def run(study: DetectionStudy, folder: Path, workers: int | None = None, report: Report | None = None) -> pd.DataFrame:
    """Compute what is missing, write ``detection.parquet`` and ``.csv``, and return the table; columns as in `COLUMNS`."""
    parts = tables(study.cells, folder / "cells", partial(measured, study), partial(fingerprint, study), workers, report)
    whole = pd.concat(parts, ignore_index=True)
    write_both(folder, "detection", whole)
    return whole


def fingerprint(study: DetectionStudy, cell: Cell) -> str:
    """Digest of all that a cell's numbers depend on, the code included."""
    return digest(cell, study.seed, code_digest())


def measured(study: DetectionStudy, cell: Cell) -> pd.DataFrame:
    """One row for each detector."""
    seen: dict[str, list[Seen]] = {}
    for i in range(cell.images):
        image = cell.beads.sample(cell.generator(study.seed, i))
        seen.setdefault("regerr", []).append(ours(cell, image))
        if cell.rivals:
            seen.setdefault("blob_log", []).append(blob_log(cell, image))
    return pd.DataFrame([_row(cell, name, each) for name, each in seen.items()], columns=list(COLUMNS))


def ours(cell: Cell, image: BeadImage) -> Seen:
    """`regerr.detect` with what a user would tell it."""
    modality = cell.beads.modality
    spots = spots_of(image, modality, image.camera if cell.told_camera else None)
    rows, hits = paired(image.points, spots.points, reach(modality))
    deviation = spots.points[hits] - image.points[rows]
    square = float((deviation**2).mean(1).sum())
    if cell.block == "recall" or not len(rows):
        return Seen(len(image.points), len(rows), len(spots) - len(rows), square)
    bound = _bound(cell, image, rows)
    scaled = np.einsum("ni,nij,nj->n", deviation, np.linalg.inv(bound), deviation) / cell.dimension
    told = np.einsum("nii->n", spots.covariance[hits]) / cell.dimension
    return Seen(len(image.points), len(rows), len(spots) - len(rows), square, float(scaled.sum()), float(told.sum()))


def blob_log(cell: Cell, image: BeadImage) -> Seen:
    """`skimage.feature.blob_log` on the image scaled to 0 to 1, with its relative threshold, at whole pixels."""
    from skimage.feature import blob_log as blobs

    counts = image.counts.astype(float)
    scaled = (counts - counts.min()) / max(float(np.ptp(counts)), 1e-300)
    found = blobs(scaled, min_sigma=1.0, max_sigma=2.0, num_sigma=5, threshold=None, threshold_rel=0.2)
    points = found[:, : cell.dimension][:, ::-1]
    rows, hits = paired(image.points, points, reach(cell.beads.modality))
    square = float(((points[hits] - image.points[rows]) ** 2).mean(1).sum())
    return Seen(len(image.points), len(rows), len(points) - len(rows), square)


def _bound(cell: Cell, image: BeadImage, rows: np.ndarray) -> np.ndarray:
    m, points, amounts = cell.beads.modality, image.points[rows], image.amounts[rows]
    if isinstance(m, Light):
        return gaussian_bound(points, amounts, m.background, m.spot_sd, m.camera)
    assert isinstance(m, Electron)
    return disc_bound(points, amounts, m.dose, m.radius, m.edge, m.camera)


def _row(cell: Cell, detector: str, seen: list[Seen]) -> list[object]:
    m = cell.beads.modality
    beads, found, false, square, over, told = (np.array([getattr(s, name) for s in seen], float)
                                               for name in Seen.__dataclass_fields__)
    recall, recall_se = ratio(found, beads)
    rms, _ = ratio(square, found)
    over_bound, over_se = ratio(over, found)
    calibration, calibration_se = ratio(told, square)
    precision, precision_se = np.sqrt(over_bound), over_se / (2.0 * np.sqrt(over_bound))
    photons = m.photons if isinstance(m, Light) else m.depth * m.dose if isinstance(m, Electron) else np.nan
    background = m.background if isinstance(m, Light) else m.dose if isinstance(m, Electron) else np.nan
    contrast = getattr(m, "contrast", np.nan)
    said = verdict(precision - 1.0, precision_se, cell.margin, one_sided=True)
    told_said = verdict(calibration - 1.0, calibration_se, CALIBRATION)
    return [cell.identity, cell.block, cell.dimension, str(photons), background, contrast, detector, len(seen), int(beads.sum()),
            recall, recall_se, false.mean(), false.std(ddof=1) / np.sqrt(len(seen)), np.sqrt(rms), precision, precision_se,
            cell.margin, said, calibration, calibration_se, CALIBRATION, told_said]


def ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[float, float]:
    """Ratio of two sums over images and its standard error over images."""
    if not bottom.sum() > 0:
        return float("nan"), float("nan")
    value = float(top.sum() / bottom.sum())
    left = top - value * bottom
    return value, float(np.sqrt((left**2).sum() * len(top) / max(len(top) - 1, 1)) / bottom.sum())


def verdict(excess: float, error: float, margin: float, one_sided: bool = False) -> str:
    """Whether a deviation from 1 is within its margin, beyond it, or neither for sure."""
    if not np.isfinite(excess + error):
        return ""
    size = excess if one_sided else abs(excess)
    return "holds" if size + _SURE * error < margin else "exceeds" if size - _SURE * error > margin else "undecided"
