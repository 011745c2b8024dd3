"""The sentences of a report: the verdict in plain words, what to do next, and a paragraph for a methods section."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..reporting.checks import sentence
from ..reporting.comparisons import REJECTED
from ..reporting.recommendation import facts, rule_for
from ..reporting.sentences import doubt_sentence, extrapolation_sentence, opening_sentence, unused_sentences, verdict
from ..reporting.text import article, decimals_for, equals, listed, number, point

if TYPE_CHECKING:
    from ..deformation import Comparison
    from .contents import Contents

_WORTH = 0.05  # of the radius: a gain that is worth a fiducial
_OWN = 0.7  # share of an observation's variance from which on more fiducials are beside the point
SOURCES = (
    "Fitzpatrick JM, West JB, Maurer CR. Predicting error in rigid-body point-based registration. IEEE Transactions on Medical "
    "Imaging 17 (1998) 694-702: FLE, FRE and TRE.",
    "Cohen EAK, Ober RJ. Analysis of point based image registration errors with applications in single molecule microscopy. IEEE "
    "Transactions on Signal Processing 61 (2013) 6291-6306: LRE, noise in both images.",
    "Potier G et al. IEEE International Conference on Image Processing (ICIP), 2021: confidence regions from regression, in "
    "correlative microscopy.",
)


def length(contents: Contents, value: float) -> str:
    """A length of the target with its unit, and what it is in the source where the units differ."""
    pairs = contents.result.pairs
    if not math.isfinite(value):
        return number(value)
    own = f"{number(value, 2)} {unit_word(pairs.target_unit)}"
    if pairs.source_unit == pairs.target_unit:
        return own
    return f"{own} ({number(value / contents.found.scale, 2)} {unit_word(pairs.source_unit)} of the source)"


def span(contents: Contents, low: float, high: float) -> str:
    """From one length of the target to another, in both units where those differ."""
    pairs = contents.result.pairs
    own = f"{number(low, 2)} to {number(high, 2)} {unit_word(pairs.target_unit)}"
    if pairs.source_unit == pairs.target_unit:
        return own
    back = " to ".join(number(value / contents.found.scale, 2) for value in (low, high))
    return f"{own} ({back} {unit_word(pairs.source_unit)} of the source)"


def unit_word(unit: str) -> str:
    """A unit behind a number; files that name none have "unit"."""
    return "units" if unit == "unit" else unit


# The verdict


def headline(contents: Contents) -> list[str]:
    """How sure, whether the model holds, whether a fiducial is suspicious: one sentence each."""
    return [*filter(None, (_sureness(contents), _model(contents), _fiducials(contents)))]


def _sureness(contents: Contents) -> str:
    """The 95 % radius within the field; other words where there is none."""
    found = contents.found
    centre, edge = float(found.centre.radius[0]), float(found.edge.radius[0])
    if found.exact or not (math.isfinite(centre) and math.isfinite(edge)):
        return verdict(found)[0]
    n = contents.result.pairs.n
    if number(centre, 2) == number(edge, 2):
        return f"Within the field of the {n} fiducials the 95 % radius is {length(contents, edge)}."
    return (f"Within the field of the {n} fiducials the 95 % radius is {span(contents, centre, edge)}: the least at their "
            f"centre, the most at fiducial {found.edge.names[0]!r}.")


def own_tests(contents: Contents) -> list[Comparison]:
    """The tests of the reported model against wider ones that have a verdict."""
    own = contents.result.model.card.name
    return [test for test in contents.ladder.comparisons if test.models[0] == own and not math.isnan(float(test.p_value))]


def _model(contents: Contents) -> str:
    """What the tests say of the model."""
    own, tests = contents.result.model.card.name, own_tests(contents)
    if not tests:
        return _wider_than_needed(contents)
    worst = min(tests, key=lambda test: float(test.p_value))
    p = float(worst.p_value)
    if p >= REJECTED:
        return f"No evidence against {article(own)} transformation (p {equals(p)})."
    size = "".join(f", and puts fiducials up to {length(contents, rung.apart)} elsewhere" for rung in contents.rungs
                   if rung.name == worst.models[1])
    if misplaced(contents):
        return (f"The pairs do not look like {article(own)} transformation and noise (p {equals(p)}), but a misplaced fiducial "
                "may be all that is behind it.")
    return (f"There is evidence against {article(own)} transformation (p {equals(p)}): {article(worst.models[1])} one fits "
            f"better than chance allows{size}. The radius holds only where the transformation is {article(own)} one.")


def _wider_than_needed(contents: Contents) -> str:
    """Of the widest model: whether a simpler one would do."""
    own, simplest = contents.result.model.card.name, contents.ladder.simplest
    if simplest is None:
        return f"Whether the transformation really is {own} could not be tested."
    if simplest == own:
        rejected = max((float(test.p_value) for test in contents.ladder.comparisons if test.models[1] == own), default=math.nan)
        why = "" if math.isnan(rejected) else f" (p {equals(rejected)})"
        return (f"Simpler transformations than {article(own)} one do not explain the pairs{why}; that a wider, bent one would do "
                "better was not tested.")
    return f"A simpler model would do: nothing speaks against {article(simplest)} transformation."


def _fiducials(contents: Contents) -> str:
    """Whether fiducials disagree."""
    beads = contents.found.beads
    if contents.found.exact:
        return ""
    if np.isnan(beads.p_values).all():
        return f"{len(beads.names)} fiducials are too few to check any of them against the others."
    bad = beads.suspicious
    if not len(bad):
        return "No fiducial disagrees with the others."
    rest = f" So {'is' if len(bad) == 2 else 'are'} {listed([beads.names[i] for i in bad[1:]])}." if len(bad) > 1 else ""
    return (f"{beads.names[bad[0]]!r} is suspicious: it lies {length(contents, float(beads.left_out[bad[0]]))} from where the "
            f"others predict it (p {equals(float(beads.adjusted[bad[0]]))}, as the worst of {len(beads.names)}).{rest}")


# What to do next


def steps(contents: Contents) -> list[str]:
    """What to do, the most useful first."""
    found, result = contents.found, contents.result
    doubts = [*filter(None, _doubts(contents))]
    usable = ["Use the registration within the field of its fiducials, with the radius above."] if determined(contents) else []
    said = doubts or usable
    if found.targets is not None:
        said.append(extrapolation_sentence(result, found.targets))
    said += [*_better_model(contents), *_gap(contents), *([] if _rejected(contents) else _openings(contents)), *_method(contents)]
    return [*dict.fromkeys(filter(None, said))]


def _doubts(contents: Contents) -> list[str]:
    """The action of the check, or of the tests."""
    if not contents.check.sound:
        return [sentence(contents.check.action)] if contents.check.action else []
    return [doubt_sentence(contents.result, contents.ladder)]


def determined(contents: Contents) -> bool:
    """Whether the regions are bounded and of some size among the fiducials."""
    found = contents.found
    return bool(found.centre.bounded[0] and found.edge.bounded[0]) and not found.exact


def misplaced(contents: Contents) -> bool:
    """Whether a fiducial that disagrees explains what the tests find."""
    names = [finding.name for finding in contents.check.findings]
    return "bead" in names and not {"deformation", "scale"}.intersection(names)


def _rejected(contents: Contents) -> bool:
    """Whether the tests speak against the reported model."""
    return any(float(test.p_value) < REJECTED for test in own_tests(contents))


def _better_model(contents: Contents) -> list[str]:
    """What the simplest model that nothing speaks against would give, where it is not the reported one."""
    simplest = contents.ladder.simplest
    better = next((rung for rung in contents.rungs if rung.name == simplest), None)
    if better is None or better.name == contents.result.model.card.name or not math.isfinite(better.edge) or misplaced(contents):
        return []
    if not _rejected(contents):
        return [f"{article(better.name).capitalize()} model (--model {better.name}) would do, with a 95 % radius at the same "
                f"places of {span(contents, better.centre, better.edge)}."]
    return [f"With {article(better.name)} model (--model {better.name}), the simplest that nothing speaks against, the 95 % "
            f"radius at the same places would be {span(contents, better.centre, better.edge)}."]


def _method(contents: Contents) -> list[str]:
    """Advice on how to make regions, where these pairs ask for another way."""
    known = facts(contents.result)
    rule = rule_for(known)
    named = any(finding.name == "bead" for finding in contents.check.findings)
    return [] if rule.prefers == "score" or (rule.name == "pairs disagree" and named) else [rule.sentence(known)]


def _gap(contents: Contents) -> list[str]:
    gap = contents.found.opening
    return [] if gap is None else [opening_sentence(gap, contents.result)]


def _openings(contents: Contents) -> Iterator[str]:
    """What would make the registration surer."""
    more = contents.gains
    if more is None:
        return
    pairs = contents.result.pairs
    where = f"{point(more.place, decimals_for(_size(contents) / 100.0))} {unit_word(pairs.source_unit)} of the source"
    before, one, doubled = (length(contents, value) for value in (more.before, more.one, more.doubled))
    share = 1.0 - more.one / more.before
    like = f", if it is localised as well as {more.like!r}, the fiducial of median noise" if more.like else ""
    if share >= _WORTH:
        yield (f"To be surer at {more.name!r}, where the radius is {before}, add a fiducial near {where}: the radius there would "
               f"shrink to about {one}{like}. Twice as many fiducials, spread like these, would make it about {doubled}.")
    else:
        yield (f"No single new fiducial would help much: the best one, near {where}, would shrink the radius at {more.name!r} by "
               f"{number(100 * share, 2)} %{like}. Twice as many, spread like these, would bring it from {before} to about "
               f"{doubled}.")
    if more.own >= _OWN:
        own = "more than 99" if more.own > 0.99 else f"{100 * more.own:.0f}"
        yield (f"To predict better where a feature will be seen, localise it better rather than add fiducials: of the variance "
               f"at {more.name!r} {own} % is the noise of the feature itself.")


def _size(contents: Contents) -> float:
    """Largest extent of the fiducials in the source."""
    source = contents.result.pairs.source
    return float((source.max(0) - source.min(0)).max())


# For a methods section


def methods(contents: Contents) -> str:
    """A paragraph to paste, with every number's meaning and unit."""
    from .. import __version__

    result, found = contents.result, contents.found
    pairs, model = result.pairs, result.model.card.name
    source, target = unit_word(pairs.source_unit), unit_word(pairs.target_unit)
    law = result.estimator.card.exact
    exact = f"hold {law}" if law.startswith("to ") else f"are exact {law}"
    return " ".join([
        f"The registration used {pairs.n} matched fiducials in {pairs.dimension}D (source in {source}, target in {target}) and "
        f"{article(model)} transformation, fitted with regerr {__version__} under "
        f"{result.noise.describe()}.",
        f"The r.m.s. FRE was {_plain(contents, float(result.fre_rms))}, the r.m.s. effective FLE of a pair "
        f"{_plain(contents, float(result.fle_rms))} ({result.degrees_of_freedom} degrees of freedom).",
        f"The predicted r.m.s. TRE was {_plain(contents, float(found.centre.rms[0]))} at the fiducials' centroid and "
        f"{_plain(contents, float(found.edge.rms[0]))} at the fiducial where it is largest; the 95 % confidence regions there "
        f"had radii of {_plain(contents, float(found.centre.radius[0]))} and {_plain(contents, float(found.edge.radius[0]))} "
        f"(score method; they {exact}).", *_tests_for_methods(contents), *unused_sentences(result)])


def _tests_for_methods(contents: Contents) -> list[str]:
    tests = own_tests(contents)
    return [f"Against {article(test.models[1])} transformation: {statistic(test)}, p {equals(float(test.p_value))}."
            for test in tests]


def statistic(test: Comparison) -> str:
    """``F(1, 14) = 0.73``."""
    degrees = ", ".join(f"{x:.4g}" for x in (test.dof if test.test.symbol == "F" else test.dof[:1]))
    return f"{test.test.symbol}({degrees}) = {number(float(test.statistic))}"


def _plain(contents: Contents, value: float) -> str:
    return number(value) if not math.isfinite(value) else f"{number(value)} {unit_word(contents.unit)}"
