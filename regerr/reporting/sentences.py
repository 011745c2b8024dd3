"""The sentences of summaries and predictions: the verdict first, in the sample's own names, then numbers with their units.

Nothing is computed here; the numbers come from `regerr.reporting.findings` and its like. Tests of deformation have theirs in
`regerr.reporting.comparisons`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .extents import outside, reach
from .findings import Findings, doubt, find, scale_of, spread_ratio
from .openings import Opening, opening
from .recommendation import recommendation
from .text import (
    SHOWN,
    article,
    decimals_for,
    descriptions,
    equals,
    fixed,
    listed,
    number,
    p_text,
    paragraph,
    plus_minus,
    point,
    table,
)

if TYPE_CHECKING:
    from ..deformation import Ladder
    from ..results import RegistrationResult
    from .forecasts import Forecast

_UNLIKE = 1.5  # times the fitted scale: two images that hardly are in one unit
_FAR = 1.5  # times as far from the centre as the outermost fiducial: said aloud
_POWERS = {2: "²", 3: "³"}

QUESTIONS = {
    "tre": "TRE: where does the true position of a target land?",
    "lre": "LRE: where is the true target position of a feature that was localised in the source?",
    "observation": "Observation: where will a feature, localised in the source, be localised in the target?",
}


# The summary of one registration


def summary(result: RegistrationResult, targets: Any = None) -> str:
    """What a person needs first, in words and tables.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset; a batch is summed up in one sentence.
    targets : (m, d) array or `regerr.io.Points`, optional
        Source units.
    """
    if result.pairs.batch_shape:
        return _batch(result)
    found = find(result, targets)
    parts = (transformation, noise_and_residuals, predictions, fiducials, advice, how_made)
    return "\n\n".join(["\n".join(map(paragraph, verdict(found))), *(part(found) for part in parts)])


def verdict(found: Findings) -> list[str]:
    """What to know before any number: how sure, whether a fiducial is suspicious, whether targets are far outside."""
    parts = (_sureness, _doubt, _suspicion, _extrapolation, _opening, _regression)
    return [said for part in parts if (said := part(found))]


def _sureness(found: Findings) -> str:
    if found.exact:
        return ("The pairs fit exactly, to rounding. So they do not tell how well they were localised, and every region below is "
                "a point: points that were computed from each other do this, points that were localised independently never do.")
    centre, edge = (_length(found, one.radius[0]) for one in (found.centre, found.edge))
    n = found.result.pairs.n
    if not found.centre.bounded[0]:
        return f"Nothing bounds where a point lands, not even at the centre of the {n} fiducials, with 95 % confidence."
    within = f"At the centre of the {n} fiducials a point is mapped to within {centre}"
    if not found.edge.bounded[0]:
        return f"{within}, with 95 % confidence, but at {found.edge.names[0]!r}, among them, nothing bounds where it lands."
    return f"{within}, and everywhere between them to within {edge}, with 95 % confidence at each point."


def _doubt(found: Findings) -> str:
    return doubt_sentence(found.result)


def doubt_sentence(result: RegistrationResult, ladder: Ladder | None = None) -> str:
    """That the pairs speak against the model, and which one to take; nothing where they do not."""
    clear = doubt(result, ladder)
    if clear is None:
        return ""
    test, better = clear
    own, wider = test.models
    ratio = spread_ratio(result.pairs)
    units = "" if 1 / _UNLIKE < ratio / scale_of(result) < _UNLIKE else \
        f" The target spreads {number(ratio)} times as widely as the source: check that both are in one unit."
    return (f"That holds only if the transformation is {own}, and the pairs say that it is not: {article(wider)} one fits better "
            f"than chance allows (p {equals(float(test.p_value))}). Fit {article(better)} model, or look for misplaced "
            f"fiducials.{units}")


def _suspicion(found: Findings) -> str:
    beads = found.beads
    if found.exact:
        return ""
    if np.isnan(beads.p_values).all():
        return f"{len(beads.names)} fiducials are too few to check any of them against the others: one more would allow it."
    bad = beads.suspicious
    if not len(bad):
        return "No fiducial disagrees with the others."
    worst, rest = bad[0], [beads.names[i] for i in bad[1:]]
    more = f" Look at {listed(rest)} too." if rest else ""
    return (f"{beads.names[worst]!r} does not agree with the other fiducials: it lies {_length(found, beads.left_out[worst])} "
            f"from where they predict it (p {equals(beads.adjusted[worst])}, as the worst of {len(beads.names)}). Have a look "
            f"at it, or leave it out and compare.{more}")


def _extrapolation(found: Findings) -> str:
    return "" if found.targets is None else extrapolation_sentence(found.result, found.targets)


def extrapolation_sentence(result: RegistrationResult, one: Forecast) -> str:
    """Which targets lie outside the fiducials, and what follows; nothing where none does."""
    points, names = one.prediction.targets, one.names
    where = np.flatnonzero(outside(result.pairs.source, points))
    if not len(where):
        return ""
    distance = reach(result.pairs.source, points)
    far = where[np.argmax(distance[where])]
    which = f"Target {names[0]!r} lies" if len(names) == 1 else f"All {len(names)} targets lie" if len(where) == len(names) else \
        f"{len(where)} of {len(names)} targets {'lies' if len(where) == 1 else 'lie'}"
    listing = "" if len(where) == len(names) else f" ({listed([names[i] for i in where])})"
    farthest = f", {names[far]!r} {number(distance[far], 2)} times as far from their centre as the outermost of them" \
        if distance[far] > _FAR else ""
    return (f"{which} outside the fiducials{listing}{farthest}: there the prediction stands only if the transformation really is "
            f"{article(result.model.card.name)} one.")


def _opening(found: Findings) -> str:
    return "" if found.opening is None else opening_sentence(found.opening, found.result)


def opening_sentence(gap: Opening, result: RegistrationResult) -> str:
    """In which direction a region has no end, why, and which new fiducial would close it."""
    unit, decimals = result.pairs.source_unit, decimals_for(gap.spread)
    mend = "spread the fiducials more widely" if gap.closing is None else \
        f"a new fiducial near {point(gap.closing, decimals)} {unit}, or farther off, would close it"
    return (f"The region has no end along {point(gap.direction, 2)} of the target, because along {point(gap.thin, 2)} of the "
            f"source the fiducials spread by only {number(gap.spread)} {unit} (r.m.s.), too little against the noise: {mend}.")


def _regression(found: Findings) -> str:
    if found.regression is None:
        return ""
    other = found.regression
    sizes = [f"{_length(found, r)} at {name!r}" for name, r in zip(other.names[:3], other.radius[:3], strict=True)]
    return (f"With {found.result.pairs.n} fiducials in a thin layout also look at ordinary regression (noise in the target "
            f"only), whose 95 % regions are smaller and hold 94 to 95 % but in the poorest layouts: radius {', '.join(sizes)}.")


def transformation(found: Findings) -> str:
    """Readable quantities with their s.d."""
    pairs = found.result.pairs
    rows = [(q.name, plus_minus(float(q.value), float(q.sd), q.unit), q.definition)
            for q in found.quantities if not q.name.startswith("centroid")]
    if found.mirrored:
        words = f"the target is a mirror image; the rest holds after {'xyz'[pairs.dimension - 1]} of the source was flipped"
        rows.insert(0, ("mirrored", "yes", words))
    image = [q for q in found.quantities if q.name.startswith("centroid")]
    decimals = decimals_for(min((float(q.sd) for q in image if q.sd > 0), default=0.0))
    values, sds = (point((float(getattr(q, name)) for q in image), decimals) for name in ("value", "sd"))
    rows.append(("centre", f"{values} {pairs.target_unit}", f"where the fiducials' centroid lands, s.d. {sds}"))
    scale = found.result.model.scale
    known = "" if scale == 1.0 else f" with its scale fixed at {scale:.6g}"
    head = f"Transformation: {found.result.model.card.name}{known}, source ({pairs.source_unit}) to target ({pairs.target_unit})"
    return head + "\n" + descriptions(rows)


def noise_and_residuals(found: Findings) -> str:
    """FLE and FRE, each with its definition."""
    result = found.result
    size = "given" if result.noise.scale is not None else f"estimated with {result.degrees_of_freedom} degrees of freedom"
    rows = [("FLE", _length(found, float(result.fle_rms)), f"r.m.s. noise of a pair, seen in the target ({size})"),
            ("FRE", _length(found, float(result.fre_rms)), "r.m.s. residual; it tells nothing of a target")]
    return "Noise\n" + descriptions(rows)


def predictions(found: Findings) -> str:
    """The TRE at the centre, at the fiducial where it is largest, and at the targets."""
    pairs, asked = found.result.pairs, found.targets
    places = [(found.centre, 0, "centre"), (found.edge, 0, f"at {found.edge.names[0]}")]
    places += [] if asked is None else [(asked, i, name) for i, name in enumerate(asked.names[:SHOWN])]
    decimals = max(decimals_for(one.rms[i]) for one, i, _ in places)
    header = ["", f"lands at ({pairs.target_unit})", "TRE r.m.s.", "95 % radius"]
    rows = [[name, point(one.mean[i], decimals), number(one.rms[i]), number(one.radius[i])] for one, i, name in places]
    if _two_units(found):
        header.append(f"radius ({pairs.source_unit})")
        rows = [[*row, number(one.radius[i] / found.scale)] for row, (one, i, _) in zip(rows, places, strict=True)]
    hidden = 0 if asked is None else len(asked.names) - SHOWN
    tail = f"\n  ... and {hidden} more targets" if hidden > 0 else ""
    return f"Predicted TRE (lengths in {pairs.target_unit})\n" + table(header, rows) + tail


def fiducials(found: Findings) -> str:
    """The table of fiducials, worst first."""
    beads, pairs = found.beads, found.result.pairs
    decimals = decimals_for(float(found.result.fre_rms), 3)
    header = ["", *(f"residual {a}" for a in "xyz"[:pairs.dimension]), "length", "left out", "leverage", "p-value", "of all"]
    order, bad = beads.worst_first, set(beads.suspicious.tolist())
    rows = [_fiducial(found, int(i), decimals) + (["<- look"] if i in bad else [""]) for i in order[:SHOWN]]
    hidden = len(order) - SHOWN
    tail = f"\n  ... and {hidden} more, which agree better" if hidden > 0 else ""
    legend = ("\n  left out: distance from where the others predict it, fairer than the residual; leverage: 0 to 1, how much it"
              "\n  pulls its own prediction; p-value: how often a good fiducial is as far off, alone and as the worst of all "
              "(Holm)")
    return f"Fiducials, worst first (lengths in {pairs.target_unit})\n" + table([*header, ""], rows) + tail + legend


def _fiducial(found: Findings, i: int, decimals: int) -> list[str]:
    beads = found.beads
    lengths = [*beads.residuals[i], beads.lengths[i], beads.left_out[i]]
    return [beads.names[i], *(fixed(float(v), decimals) for v in lengths), fixed(float(beads.leverages[i]), 2),
            p_text(float(beads.p_values[i])), p_text(float(beads.adjusted[i]))]


def advice(found: Findings) -> str:
    """Which method to use for these pairs, and why."""
    return paragraph(recommendation(found.result))


def how_made(found: Findings) -> str:
    """Version, pairs, noise assumed, how exact the stated confidence is, and what was not used."""
    from .. import __version__

    result = found.result
    exact = result.estimator.card.exact
    law = f"holds {exact}" if exact.startswith("to ") else f"is exact {exact}"
    lines = [f"regerr {__version__}, {result.pairs.n} pairs in {result.pairs.dimension}D, {result.noise.describe()}. The stated "
             f"confidence {law}.", *unused_sentences(result)]
    return "\n".join(map(paragraph, lines))


def unused_sentences(result: RegistrationResult) -> list[str]:
    """Which pairs were left out, and why."""
    unused = result.pairs.unused
    if not unused:
        return []
    reasons = sorted({u.reason for u in unused})
    groups = [f"{listed([u.name for u in unused if u.reason == reason])} ({reason})" for reason in reasons]
    return [f"Not used: {len(unused)} of {len(unused) + result.pairs.n} pairs, {'; '.join(groups)}."]


def _batch(result: RegistrationResult) -> str:
    good = result.failure == 0
    fle = float(np.sqrt(np.mean(result.fle_rms[good] ** 2))) if good.any() else math.nan
    lost = "" if good.all() else f", {int((~good).sum())} failed"
    return (f"{good.size} {result.model.card.name} registrations of {result.pairs.n} pairs each, r.m.s. FLE {number(fle)} "
            f"{result.pairs.target_unit}{lost}; result[i].summary() tells of one.")


def before_and_after(before: RegistrationResult, after: RegistrationResult, names: Sequence[str]) -> str:
    """What leaving out some fiducials changes."""
    one, two = find(before), find(after)
    shift = float(np.linalg.norm(after.transform.apply(before.fitted.x_mean[None]) - before.fitted.y_mean))
    rows = [["fiducials", str(before.pairs.n), str(after.pairs.n)],
            ["FRE", *(_length(f, float(f.result.fre_rms)) for f in (one, two))],
            ["FLE", *(_length(f, float(f.result.fle_rms)) for f in (one, two))],
            ["95 % radius at the centre", *(_length(f, f.centre.radius[0]) for f in (one, two))],
            ["95 % radius between them", *(_length(f, f.edge.radius[0]) for f in (one, two))],
            ["the old centre lands elsewhere by", "", _length(two, shift)]]
    caution = paragraph("Leave a fiducial out for a reason that you could give without its distance: regions made after the "
                        "worst ones were taken away hold a little less than they say.")
    return f"Without {listed(list(names))}\n" + table(["", "before", "after"], rows) + "\n" + caution


# Predictions


def forecasts_report(result: RegistrationResult, found: Sequence[Forecast]) -> str:
    """Predictions of several kinds, and how they were made."""
    level, method = found[0].region.level, found[0].region.method.name
    made = (f"{result.model.card.name} model, {result.pairs.n} pairs, {result.noise.describe()}; {100 * level:g} % regions by "
            f"the {method} method.")
    gap = opening(result, found)
    ends = "" if gap is None else opening_sentence(gap, result)
    said = filter(None, (extrapolation_sentence(result, found[0]), doubt_sentence(result), ends, made))
    return "\n\n".join([*(forecast_report(result, one) for one in found), *map(paragraph, said)])


def forecast_report(result: RegistrationResult, one: Forecast) -> str:
    """One kind of prediction at all targets: the question, then a table."""
    pairs = result.pairs
    content = f"{ {2: 'area', 3: 'volume'}[pairs.dimension]} ({pairs.target_unit}{_POWERS[pairs.dimension]})"
    header = ["", f"lands at ({pairs.target_unit})", *(f"s.d. {a}" for a in "xyz"[:pairs.dimension]), "r.m.s.",
              f"{100 * one.region.level:g} % radius", "half-lengths", content]
    decimals = max(map(decimals_for, one.rms))
    rows = [_forecast_row(one, i, decimals) for i in range(len(one.names))]
    return "\n".join([paragraph(_question(result, one.kind)), table(header, rows)])


def _question(result: RegistrationResult, kind: str) -> str:
    ratio = result.noise.ratio
    assumed = {0.0: "all noise is in the target", math.inf: "all noise is in the source",
               1.0: "both images are equally noisy, as seen in the target"}.get(
        ratio, f"the noise of the source has {ratio:g} times the variance of that of the target, as seen in the target")
    if result.noise.shape == "given":
        assumed = "the given covariances share the noise rightly between the images"
    return QUESTIONS[kind] + (f" Assumes that {assumed}; the points cannot tell." if kind == "lre" else "")


def _forecast_row(one: Forecast, i: int, decimals: int) -> list[str]:
    row = [one.names[i], point(one.mean[i], decimals), *map(number, one.sd[i]), number(one.rms[i]), number(one.radius[i])]
    return [*row, " x ".join(map(number, one.half_axes[i])), number(one.volume[i])] if one.bounded[i] else [*row, "-", "-"]


# Phrases


def _length(found: Findings, value: float) -> str:
    """A length of the target with its unit, and what it is in the source where the units differ."""
    pairs = found.result.pairs
    if not math.isfinite(value):
        return number(value)
    own = f"{number(value, 2)} {_units(pairs.target_unit)}"
    return f"{own} ({number(value / found.scale, 2)} {_units(pairs.source_unit)} of the source)" if _two_units(found) else own


def _units(unit: str) -> str:
    """A unit behind a number; files that name none have "unit"."""
    return "units" if unit == "unit" else unit


def _two_units(found: Findings) -> bool:
    return found.result.pairs.source_unit != found.result.pairs.target_unit
