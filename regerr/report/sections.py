"""The sections of a report as HTML: the verdict, what was done, the tables, the tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..reporting.comparisons import REJECTED
from ..reporting.sentences import QUESTIONS, unused_sentences
from ..reporting.text import decimals_for, fixed, number, p_text, plus_minus, point
from .markup import Markup, element, listed
from .meanings import terms
from .tables import table
from .words import SOURCES, determined, headline, length, methods, statistic, steps, unit_word

if TYPE_CHECKING:
    from ..deformation import Comparison
    from ..quantities import Quantity
    from ..reporting.forecasts import Forecast
    from .contents import Contents

_KINDS = {"tre": "TRE, the true position", "lre": "LRE, the true position of a feature localised in the source",
          "observation": "Observation, where a feature localised in the source will be localised in the target"}
_CONTENT = {2: ("area", "²"), 3: ("volume", "³")}
_ROWS = 1000  # of the table of fiducials
_TIMES = "\N{MULTIPLICATION SIGN}"


def verdict(contents: Contents) -> Markup:
    """The answer in plain words, with at most two reasons to doubt it."""
    check = contents.check
    sound = check.sound and determined(contents)
    badge = "Nothing speaks against this registration" if sound else "Look before you rely on this registration" \
        if determined(contents) else "These fiducials do not tell how sure this registration is"
    kind, mark = ("sound", "✓") if sound else ("doubtful", "!")
    said = headline(contents)
    doubts = [] if check.sound else [reason for reason in map(_sentence, check.reasons) if reason not in said]
    reasons = [element("p", "Reasons to doubt it:"), listed(doubts)] if doubts else []
    return element("section", element("p", element("span", mark, aria_hidden="true", class_="mark"), badge, class_="badge"),
                   *(element("p", words, class_="said") for words in said), *reasons, class_=f"verdict {kind}")


def next_steps(contents: Contents) -> Markup:
    """What to do, the most useful first."""
    return element("section", element("h2", "What to do next"), listed(steps(contents), "ol"))


def done(contents: Contents) -> Markup:
    """What was registered, by which model, under which noise."""
    result, pairs = contents.result, contents.result.pairs
    size = "given" if result.noise.scale is not None else f"estimated with {result.degrees_of_freedom} degrees of freedom"
    exact = result.estimator.card.exact
    holds = "holds" if exact.startswith("to ") else "is exact"
    return element("section", element("h2", "What was done"), terms([
        ("Files", ", ".join(contents.files) or "pairs given in memory"),
        ("Pairs", f"{pairs.n} fiducials in {pairs.dimension}D"),
        ("Left out", " ".join(unused_sentences(result)) or "none"),
        ("Source, target", f"coordinates in {unit_word(pairs.source_unit)} and in {unit_word(pairs.target_unit)}"),
        ("Model", f"{result.model.card.name}, {result.model.card.parameters[pairs.dimension]} parameters"),
        ("Noise assumed", result.noise.describe()),
        ("Stated confidence", f"95 % regions by the score method; their level {holds} {exact}"),
        ("FLE", f"{length(contents, float(result.fle_rms))}, r.m.s. noise of a pair as seen in the target ({size})"),
        ("FRE", f"{length(contents, float(result.fre_rms))}, r.m.s. residual; it tells nothing of a target")]))


def transformation(contents: Contents) -> Markup:
    """The fitted transformation in quantities that can be checked by eye, and as a matrix."""
    result, pairs = contents.result, contents.result.pairs
    rows = sorted(map(_quantity, contents.found.quantities), key=lambda row: row[0].startswith("centroid"))
    if contents.found.mirrored:
        rows.insert(0, ["mirrored", "yes", f"the rest holds after {'xyz'[pairs.dimension - 1]} of the source was flipped"])
    matrix = [[f"{axis} of the target", *(f"{value:.9g}" for value in row), f"{shift:.9g}"] for axis, row, shift in
              zip("xyz", result.transform.matrix.tolist(), result.transform.offset.tolist(), strict=False)]
    return element("section", element("h2", "The transformation"),
                   table("Quantities", ": value ± s.d.; the s.d. tells how well the fiducials determine it.",
                         ["", "value", "what it is"], rows),
                   table("Matrix", f": target = matrix {_TIMES} source + offset.",
                         ["", *"xyz"[:pairs.dimension], f"offset ({unit_word(pairs.target_unit)})"], matrix))


def _quantity(one: Quantity) -> list[str]:
    return [one.name, plus_minus(float(one.value), float(one.sd), unit_word(one.unit)), one.definition]


def predictions(contents: Contents) -> Markup:
    """Where the targets land, and how surely; without targets, at the centre and the edge of the field."""
    none = "" if contents.targets else \
        ("No targets were given: these are the places where the registration is surest and least sure among its fiducials. Give "
         "points of the source with --targets to have them here.")
    tables = [_forecast(contents, one) for one in contents.targets or (contents.ends,)]
    return element("section", element("h2", "How wrong, where"), *([element("p", none)] if none else []), *tables)


def _forecast(contents: Contents, one: Forecast) -> Markup:
    dimension = contents.result.pairs.dimension
    unit, (what, power) = unit_word(contents.unit), _CONTENT[dimension]
    header = ["", f"lands at ({unit})", *(f"s.d. {axis} ({unit})" for axis in "xyz"[:dimension]), f"r.m.s. ({unit})",
              f"95 % radius ({unit})", f"half-lengths ({unit})", f"{what} ({unit}{power})"]
    rows = [[*row, *size] for row, size in zip(_forecast_rows(one), _sizes(one), strict=True)]
    assumed = " It rests on the assumed ratio of the two noises, which the points cannot tell." if one.kind == "lre" else ""
    assumed += " Each target is as noisy as the s.d. that came with it say." if one.prediction.localised is not None else ""
    words = (f": {QUESTIONS[one.kind].partition(': ')[2]}{assumed} S.d. and r.m.s. to first order; radius: largest distance from "
             "the prediction to the edge of the 95 % region.")
    return table(_KINDS[one.kind], words, header, rows)


def _forecast_rows(one: Forecast) -> list[list[str]]:
    decimals = max(map(decimals_for, one.rms))
    return [[name, point(one.mean[i], decimals), *map(number, one.sd[i]), number(one.rms[i]), number(one.radius[i])]
            for i, name in enumerate(one.names)]


def _sizes(one: Forecast) -> list[list[str]]:
    """Half-lengths and content of each region."""
    return [[f" {_TIMES} ".join(map(number, one.half_axes[i])) if one.bounded[i] else "-", number(one.volume[i])]
            for i in range(len(one.names))]


def fiducials(contents: Contents) -> Markup:
    """The fiducials one by one, worst first."""
    beads, pairs = contents.found.beads, contents.result.pairs
    unit = unit_word(pairs.target_unit)
    header = ["", *(f"residual {axis} ({unit})" for axis in "xyz"[:pairs.dimension]), f"length ({unit})", f"left out ({unit})",
              "leverage", "p", "p of all", f"TRE r.m.s. ({unit})"]
    order = [int(i) for i in beads.worst_first[:_ROWS]]
    rest = f" And {pairs.n - _ROWS} more, which agree better." if pairs.n > _ROWS else ""
    marked = [beads.names[i] in contents.suspicious for i in order]
    words = (", worst first. Residual: target minus prediction. Left out: distance from where the others predict it, fairer than "
             "the residual. Leverage: how much it pulls its own prediction, 0 to 1. p: how often a good fiducial is as far off, "
             "alone and, of all, as the worst of them (Holm). TRE: of a point at its place, to first order." + rest)
    rows = [_fiducial_row(contents, i) for i in order]
    return element("section", element("h2", "The fiducials"), table(f"{pairs.n} fiducials", words, header, rows, marked))


def _fiducial_row(contents: Contents, i: int) -> list[str]:
    beads = contents.found.beads
    decimals = decimals_for(float(contents.result.fre_rms), 3)
    lengths = (*beads.residuals[i], beads.lengths[i], beads.left_out[i])
    return [beads.names[i], *(fixed(float(value), decimals) for value in lengths), fixed(float(beads.leverages[i]), 2),
            p_text(float(beads.p_values[i])), p_text(float(beads.adjusted[i])), number(contents.fiducials.rms[i])]


def deformation(contents: Contents) -> Markup:
    """The tests of simpler against wider models, and the models side by side."""
    ladder = contents.ladder
    wild = {test.models: p_text(float(test.p_value)) for test in ladder.beside}
    rows = [_test_row(test, wild.get(test.models, "-")) for test in ladder.comparisons]
    words = (". H0: the simpler transformation and noise explain all differences. p: how often chance alone makes the wider one "
             f"fit so much better; below {REJECTED:g} speaks against the simpler. The wild p takes noise of any size and law, "
             "alike for all fiducials or not; F takes it to be Gaussian and alike.")
    header = ["simpler < wider", "statistic", "p", "p, wild", "says"]
    tests = [table("Tests of deformation", words, header, rows)] if rows else []
    return element("section", element("h2", "Is it only noise?"), *tests, *(element("p", said) for said in _remarks(contents)),
                   _models(contents))


def _test_row(test: Comparison, wild: str) -> list[str]:
    p = float(test.p_value)
    if math.isnan(p):
        return [f"{test.models[0]} < {test.models[1]}", "-", "-", wild, "no verdict"]
    says = "speaks against" if p < REJECTED else "nothing against"
    return [f"{test.models[0]} < {test.models[1]}", statistic(test), p_text(p), wild, f"{says} {test.models[0]}"]


def _remarks(contents: Contents) -> list[str]:
    """What was not tested, and what a rejection can be instead."""
    ladder = contents.ladder
    least = np.nanmin([1.0, *(float(test.p_value) for test in ladder.comparisons)])
    people = ("A rejection need not be a deformation: one person places neighbouring and mirrored structures alike. And with "
              "many fiducials a deformation too small to matter is found too: look at how far apart the models put them.")
    return [*dict.fromkeys(ladder.skipped), *filter(None, [ladder.alone]), *([people] if least < REJECTED else [])]


def _models(contents: Contents) -> Markup:
    unit, edge = unit_word(contents.unit), contents.found.edge.names[0]
    rows = [[rung.name, str(rung.parameters), number(rung.fre), number(rung.fle), number(rung.centre), number(rung.edge),
             number(rung.apart)] for rung in contents.rungs]
    header = ["model", "parameters", f"FRE r.m.s. ({unit})", f"FLE r.m.s. ({unit})", f"95 % radius, centre ({unit})",
              f"95 % radius, {edge} ({unit})", f"apart ({unit})"]
    words = (": the same pairs fitted by each. FRE always falls with more parameters and is no reason to take them; FLE falls "
             "only where they are needed. A radius holds only where its model does. Apart: the largest distance, over the "
             "fiducials, between where it and the reported model put them.")
    return table("Models side by side", words, header, rows)


def for_methods(contents: Contents) -> Markup:
    """A paragraph to paste, and what to cite."""
    return element("section", element("h2", "For a methods section"), element("blockquote", methods(contents)),
                   element("p", "Cite regerr with its version, and for the terms:"), listed(SOURCES))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
