"""Detected spots in words and a table, as plain numbers for JSON, and as a file of points."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..io import Points
from ..io.objects import sheet_of_points
from ..io.plain import write_with
from ..io.writing import WRITERS, write_sheet
from ..records import dumps, plain
from .text import SHOWN, decimals_for, fixed, number, paragraph, table

if TYPE_CHECKING:
    from ..detection import Spots

_MARK = "regerr_spots"
_AXES = "xyz"
_FAINT = 0.1  # a correlation


def summary(spots: Spots) -> str:
    """What was found and how well it is known, for a person."""
    parts = [paragraph(_head(spots)), _table(spots), paragraph(_left_out(spots))]
    return "\n\n".join(part for part in parts if part)


def to_dict(spots: Spots) -> dict[str, Any]:
    """The same as plain numbers."""
    from .. import __version__

    camera = spots.camera and {"gain": spots.camera.gain, "offset": spots.camera.offset, "read_noise": spots.camera.read_noise}
    rows = [{"name": name, "point": p, "covariance": c, "photon_covariance": q, "photons": a, "background": b, "size": s,
             "significance": z, "misfit": m, "nearest": e}
            for name, p, c, q, a, b, s, z, m, e in zip(spots.names, spots.points, spots.covariance, spots.photon_covariance,
                                                    spots.photons, spots.background, spots.size, spots.significance,
                                                    spots.misfit, spots.nearest, strict=True)]
    return dict(plain({_MARK: 1, "version": __version__, "unit": spots.unit, "dimension": spots.dimension, "bright": spots.bright,
                       "profile": spots.profile, "plane": spots.plane, "threshold": spots.threshold, "camera": camera,
                       "pooled_misfit": spots.pooled_misfit, "spots": rows, "unused": [u.to_dict() for u in spots.unused]}))


def check_suffix(path: Path) -> None:
    """Refuse a name whose suffix does not say what to write."""
    if path.suffix.lower() not in (".json", ".csv"):
        raise InputError(f"{path} ends in {path.suffix or 'no suffix'!r}: give .csv for the places with their s.d., or .json for "
                         "all that is known of the spots")


def write(spots: Spots, path: Path, *, force: bool = False) -> None:
    """JSON, or with the suffix ``.csv`` the places with their s.d. and quality, those left out switched off."""
    from ..files import write_text

    check_suffix(path)
    if path.suffix.lower() == ".json":
        write_text(path, dumps(to_dict(spots)), force=force)
        return
    quality = _quality(spots)
    writer = replace(WRITERS["table"], write=lambda sheet: write_with(sheet, quality))
    write_sheet(sheet_of_points(_without_faint_correlation(spots.to_points())), path, writer, force=force)


def _quality(spots: Spots) -> dict[str, list[str]]:
    """By what a rule may choose spots, as columns of a table; `regerr.io.columns` knows their names."""
    unit = f" [{spots.unit}]"
    columns = {"photons": spots.photons, "background": spots.background, "significance": spots.significance,
               "misfit": spots.misfit, f"nearest{unit}": spots.nearest}
    columns |= {f"size_{axis}{unit}": size for axis, size in zip(_AXES, spots.size.T, strict=False)}
    return {header: list(map(repr, values.tolist())) for header, values in columns.items()}


def _without_faint_correlation(points: Points) -> Points:
    """For tables, which keep s.d. alone: correlations of coordinates below a tenth are not worth a warning."""
    covariance = points.covariance
    if covariance is None or not len(covariance):
        return points
    sd = np.sqrt(np.einsum("nii->ni", covariance))
    plain_ones = np.einsum("ni,ij->nij", sd**2, np.eye(sd.shape[1]))
    faint = np.abs((covariance - plain_ones) / (sd[:, :, None] * sd[:, None, :])).max() < _FAINT
    return replace(points, covariance=plain_ones) if faint else points


def _head(spots: Spots) -> str:
    kind, s = "bright" if spots.bright else "dark", "" if len(spots) == 1 else "s"
    what = (f"{len(spots)} {kind} spot{s} in {spots.dimension}D, in wavelet plane {spots.plane}, at least "
            f"{number(spots.threshold)} s.d. high.")
    if not len(spots):
        return f"{what} Lower --threshold, or look for dark ones with --dark." if spots.bright else f"{what} Lower --threshold."
    size = np.median(spots.size, 0)
    widths = " x ".join(number(s) for s in (size[:1] if np.ptp(size) < 1e-6 * size[0] else size))
    sd = np.sqrt(np.median(spots.sd**2, 0))
    how = (" Photons and camera noise explain how spots differ from their model." if spots.pooled_misfit == 0.0 else
           f" Spots differ from their model by {100 * spots.pooled_misfit:.1f} % of their height beyond noise, which is part of "
           "their s.d.")
    camera = "" if spots.camera is not None else " No camera was given: the noise is what the spots show, in counts."
    return f"{what} Median s.d. of a spot {widths} {spots.unit}; of its place {', '.join(map(number, sd))} {spots.unit} along " \
           f"{', '.join(_AXES[:spots.dimension])}.{how}{camera}"


def _table(spots: Spots) -> str:
    if not len(spots):
        return ""
    places = decimals_for(float(np.median(spots.sd)))
    amount = "photons" if spots.camera is not None else "counts"
    if spots.profile == "disc":
        amount = f"{amount} deep"
    axes = _AXES[: spots.dimension]
    header = ["spot", *(f"{a} ({spots.unit})" for a in axes), *(f"s.d. {a}" for a in axes), amount, "over its s.e.", "misfit"]
    rows = [[name, *(fixed(v, places) for v in x), *(number(v, 2) for v in s), number(a), number(z), f"{100 * m:.0f} %"]
            for name, x, s, a, z, m in zip(spots.names[:SHOWN], spots.points, spots.sd, spots.photons, spots.significance,
                                           spots.misfit, strict=False)]
    more = [f"... and {len(spots) - SHOWN} more"] if len(spots) > SHOWN else []
    return "\n".join([table(header, rows), *more])


def _left_out(spots: Spots) -> str:
    counts = Counter(u.reason for u in spots.unused)
    if not counts:
        return ""
    return "Left out: " + "; ".join(f"{n}, because {reason}" for reason, n in counts.most_common()) + "."
