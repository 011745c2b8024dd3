"""What every number of a report means, and in which unit it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..reporting.text import article
from .markup import Markup, element, joined
from .words import unit_word

if TYPE_CHECKING:
    from .contents import Contents


def meanings(contents: Contents) -> Markup:
    """The terms of the page, each with its definition and unit."""
    unit, model = unit_word(contents.unit), contents.result.model.card.name
    rows = [
        ("Residual", f"Localised minus predicted position of a fiducial in the target, in {unit}."),
        ("FRE, fiducial registration error",
         f"Root of the mean squared length of the residuals, in {unit}, without a correction for degrees of freedom. It tells "
         "how well the fiducials fit, not how well a target does."),
        ("FLE, fiducial localisation error",
         f"Root of the mean squared length of the noise of one pair, of both images together, as seen in the target, in {unit}; "
         "estimated from the residuals with their degrees of freedom."),
        ("TRE, target registration error",
         f"Distance between where the true position of a point lands and where it truly is, in {unit}. Predicted as an r.m.s. "
         "length and as a region."),
        ("LRE, localisation registration error",
         "The same for a feature that was itself localised in the source: its own noise there is added."),
        ("Observation", "The same for where a feature will be localised in the target: its own noise in both images is added."),
        ("95 % region, 95 % radius",
         "The set in which the true position lies with 95 % confidence, at each place by itself, if the model and the noise are "
         f"as assumed; its largest distance from the prediction, in {unit}."),
        ("Leverage", "How much a fiducial pulls its own prediction: 0 not at all, 1 entirely. No unit."),
        ("p", "How often chance alone would give something at least as striking, 0 to 1. It is not the probability that a "
              "statement is true."),
        ("Outside the fiducials",
         f"Beyond their hull a prediction stands only if {article(model)} transformation describes it there too."),
    ]
    return element("section", element("h2", "What the numbers mean"), terms(rows))


def terms(rows: list[tuple[str, str]]) -> Markup:
    """Terms, each with its words."""
    return element("dl", joined(joined((element("dt", name), element("dd", words))) for name, words in rows))
