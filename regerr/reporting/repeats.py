"""FLE from repeats in words and tables, as plain numbers for JSON, and as a file of mean places."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..files import write_text
from ..linalg import trace
from ..placements import spread_of_files
from ..records import dumps, plain
from ..variance_components import Component, Estimate
from .text import SHOWN, decimals_for, fixed, listed, number, paragraph, plus_minus, table

if TYPE_CHECKING:
    from ..repeats import Repeats

_AXES = "xyz"
_CLEAR = 1e-3  # p-value below which files count as shifted against each other
_UNEQUAL = 8.0  # nu0 below which points count as very unequal: variances differ by more than 10 from best to worst of 30


def summary(repeats: Repeats) -> str:
    """All that repeats tell, for a person."""
    parts = [_head(repeats), _axes(repeats), _people(repeats), _points(repeats), _notes(repeats)]
    return "\n\n".join(part for part in parts if part)


def to_dict(repeats: Repeats) -> dict[str, Any]:
    """The same as plain numbers, and what was given."""
    from .. import __version__

    found, prior = repeats.components, repeats.shrinkage
    given = {"placements": repeats.placements, "names": repeats.names, "raters": repeats.raters, "files": repeats.files,
             "unit": repeats.unit, "drift": repeats.drift, "beyond": repeats.beyond}
    return dict(plain({
        "version": __version__, "unit": repeats.unit, "separable": repeats.separable,
        "fle": {"within": _component(found.within), "between": found.between and _component(found.between),
                "total": _component(found.total)},
        "people": [{"name": name, "fle_rms": v, "fle_rms_se": e, "distance_from_others": o}
                   for name, v, e, o in _person_rows(repeats)],
        "points": [{"name": name, "placements": int(count), "degrees_of_freedom": int(k), "mean": mean, "scatter": s,
                    "fle_rms": np.sqrt(trace(s)) if k else None, "covariance": c, "fle_rms_shrunk": np.sqrt(trace(c))}
                   for name, count, k, mean, s, c in zip(repeats.names, _counts(repeats), repeats.degrees, repeats.mean,
                                                         repeats.scatter, repeats.covariances, strict=True)],
        "shrinkage": {"variance": prior.variance, "degrees_of_freedom": prior.degrees, "shape": prior.shape},
        "left_out": [{"file": one.file, "name": one.name, "distance": one.distance} for one in repeats.left_out],
        "file_shifts": repeats.shifts, "given": given}))


def write(repeats: Repeats, path: Path, *, force: bool = False) -> None:
    """JSON, or with the suffix ``.csv`` the mean places with the s.d. of their means.

    Raises
    ------
    InputError
        For any other suffix, a file that exists, or one that cannot be written.
    """
    check_suffix(path)
    text = dumps(repeats.to_dict()) if path.suffix.lower() == ".json" else _mean_places(repeats)
    write_text(path, text, force=force)


def check_suffix(path: Path) -> None:
    """Refuse a name whose suffix does not say what to write."""
    if path.suffix.lower() not in (".json", ".csv"):
        raise InputError(f"{path} ends in {path.suffix or 'no suffix'!r}: give .json for all that is known of the noise, or .csv "
                         "for the mean places with their s.d.")


def _mean_places(repeats: Repeats) -> str:
    """A table of points that `read_points` reads, with one s.d. per coordinate."""
    axes, unit = _AXES[: repeats.dimension], f" ({repeats.unit})" if repeats.unit else ""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["name", *(axis + unit for axis in axes), *(f"sd_{axis}{unit}" for axis in axes)])
    sd = np.sqrt(np.diagonal(repeats.mean_covariance, axis1=1, axis2=2))
    for name, x, s in zip(repeats.names, repeats.mean, sd, strict=True):
        if np.isfinite(x).all():
            rows.writerow([name, *(f"{v:.9g}" for v in x), *(f"{v:.4g}" for v in s)])
    return out.getvalue()


def _head(repeats: Repeats) -> str:
    people = len(repeats.people)
    by = f" by {people} people" if people > 1 else ""
    unit = f", lengths in {repeats.unit}" if repeats.unit else ""
    first = f"FLE from repeats: {repeats.n} points in {repeats.dimension}D, placed in {len(repeats.files)} files{by}{unit}."
    found = repeats.components
    size = _plus_minus(found.within.size.root, repeats.unit)
    said = f"The r.m.s. FLE is {size} (length of the deviation; ± is one standard error)"
    if not repeats.separable and people > 1:
        said += ", of any person: everybody placed each point once, which does not tell a person's own scatter apart"
    elif repeats.separable and found.between is not None:
        said += f" when one person places a point again, and {_plus_minus(found.total.size.root, repeats.unit)} when another does"
    return paragraph(first) + "\n" + paragraph(said + ".")


def _axes(repeats: Repeats) -> str:
    found = repeats.components
    rows = [("one person again" if repeats.separable and len(repeats.people) > 1 else "repeats", found.within)]
    if found.between is not None:
        rows += [("between people", found.between), ("any person", found.total)]
    header = ["s.d. per axis", *_AXES[: repeats.dimension], "r.m.s. length"]
    lines = [[name, *(_plus_minus(one.axes.root[j]) for j in range(repeats.dimension)), _plus_minus(one.size.root)]
             for name, one in rows]
    return "Per axis\n" + table(header, lines)


def _people(repeats: Repeats) -> str:
    if len(repeats.people) < 2:
        return ""
    lines = [[name, str(repeats.raters.count(name)), plus_minus(v, e) if np.isfinite(v) else "-", number(o)]
             for name, v, e, o in sorted(_person_rows(repeats), key=lambda row: -np.nan_to_num(row[1]))]
    header = ["person", "files", "r.m.s. FLE, again", "r.m.s. distance from the others"]
    return "Per person, least repeatable first\n" + table(header, lines)


def _points(repeats: Repeats) -> str:
    raw, kept = np.sqrt(trace(repeats.scatter)), np.sqrt(trace(repeats.covariances))
    order = np.argsort(-kept, kind="stable")
    digits = decimals_for(float(np.median(kept)))
    count = _counts(repeats)
    lines = [[repeats.names[i], str(int(count[i])), fixed(raw[i], digits) if repeats.degrees[i] else "-", fixed(kept[i], digits)]
             for i in order[:SHOWN]]
    more = [] if len(order) <= SHOWN else [f"  and {len(order) - SHOWN} more, of at most {fixed(kept[order[SHOWN]], digits)}"]
    note = paragraph("'For a fit' is drawn towards the other points, as far as few repeats deserve: the noise to give to a fit.")
    header = ["point", "placements", "r.m.s. FLE, again" if repeats.separable else "r.m.s. FLE", "for a fit"]
    return "\n".join(["Per point, worst first", table(header, lines), *more, note])


def _notes(repeats: Repeats) -> str:
    said = []
    degrees = repeats.shrinkage.degrees
    alike = "very unequal" if degrees < _UNEQUAL else "unequal" if degrees < 100 else "alike"
    said.append(f"The points are {alike} (their variances spread like an inverse chi-square of {number(degrees, 2)} degrees)."
                if degrees < 1e4 else "The points are alike, as far as the repeats tell.")
    if repeats.left_out:
        far = [f"{one.name} in {one.file} ({number(one.distance)})" for one in repeats.left_out]
        said.append(f"Left out beyond {repeats.beyond:g}: {_first(far)}.")
    shift, p = spread_of_files(repeats.used)
    if repeats.drift:
        said.append(f"Shifts of whole files were taken out (r.m.s. {number(shift)}).")
    elif p < _CLEAR:
        said.append(f"Whole files are shifted against each other by r.m.s. {number(shift)}, more than such scatter explains: it "
                    "counts as FLE. If a stage or a camera moved between the files, take it out with --drift (drift=True).")
    single = [name for name, count in zip(repeats.names, _counts(repeats), strict=True) if count == 1]
    if single:
        said.append(f"Placed once only, so without a scatter of {'its' if len(single) == 1 else 'their'} own: {listed(single)}.")
    return "\n".join(paragraph(sentence) for sentence in said)


def _first(items: Sequence[str]) -> str:
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return ", ".join(items[:5]) + more


def _counts(repeats: Repeats) -> np.ndarray:
    return np.asarray(np.isfinite(repeats.used).all(-1).sum(0))


def _person_rows(repeats: Repeats) -> list[tuple[str, float, float, float]]:
    fle = repeats.person_fle.root
    return [(name, float(v), float(e), float(o))
            for name, v, e, o in zip(repeats.people, fle.value, fle.error, repeats.person_offset, strict=True)]


def _component(one: Component) -> dict[str, Any]:
    return {"covariance": one.covariance, "variance": one.axes.value, "variance_se": one.axes.error, "sd": one.axes.root.value,
            "sd_se": one.axes.root.error, "rms": one.size.root.value, "rms_se": one.size.root.error}


def _plus_minus(one: Estimate, unit: str | None = None) -> str:
    value, error = float(one.value), float(one.error)
    return plus_minus(value, error, unit or "") if np.isfinite(error) else f"{number(value)} {unit or ''}".strip()
