"""The sentences of a check: the verdict, at most two reasons, one action, and how it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import equals, paragraph

if TYPE_CHECKING:
    from ..checking import Check
    from ..suspicions import Finding


def check_report(check: Check) -> str:
    """What to tell a person who asks whether a registration can be believed."""
    if check.sound:
        lines = ["Nothing speaks against this registration."]
    elif check.result is None:
        lines = ["These pairs cannot be registered.", *map(_reason, check.findings[:2])]
    else:
        lines = ["There is reason to doubt this registration.", *map(_reason, check.findings[:2])]
    if check.action:
        lines.append(f"What to do: {check.action}.")
    return "\n".join(map(paragraph, [*lines, *_made(check)]))


def sentence(words: str) -> str:
    """A phrase with a capital letter and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def _reason(finding: Finding) -> str:
    sure = "" if finding.p_value is None else f" (p {equals(finding.p_value)})"
    return "- " + sentence(finding.reason + sure)


def _made(check: Check) -> list[str]:
    """What was looked at, and what no look at the pairs can tell."""
    result = check.result
    if result is None:
        return []
    made = f"Checked: {result.model.card.name} model, {result.pairs.n} pairs, {result.noise.describe()}."
    if not check.sound:
        return [made]
    return [made + " Looked for mirrored images, rows out of step or exchanged, residuals too small to be true, points placed "
            "twice, a wrong scale, a fiducial that disagrees, deformation and heavy tails. What all fiducials share, such as the "
            "same shift of every click, does not show in them."]
