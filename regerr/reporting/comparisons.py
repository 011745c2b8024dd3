"""The sentences of tests of deformation: what was asked, what the numbers are, and which model to take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import Failure
from .text import article, equals, number, p_text, paragraph, table

if TYPE_CHECKING:
    from ..deformation import Comparison, Ladder

REJECTED = 0.05  # p-value below which a test speaks against its null
PEOPLE = ("A rejection need not be a deformation: one person places neighbouring and mirrored structures alike, and tests that "
          "take such landmarks as independent reject too often. Where people placed them, name what belongs together as groups.")
GROUPED = ("A bias of one person over the whole image still looks like a deformation, whatever the groups; only several raters "
           "tell the two apart.")
UNEQUAL = ("F rejects and the wild F does not: noise that is not alike for all fiducials, or that landmarks of one group share, "
           "may be all there is.")


def null_hypothesis(test: Comparison) -> str:
    """The null hypothesis in words."""
    return f"{article(test.models[0])} transformation and {test.test.null} explain all differences"


def comparison_verdict(test: Comparison) -> str:
    """What a test says, in one sentence."""
    simple, wide = (article(model) for model in test.models)
    if test.p_value.ndim:
        return _batch_verdict(test)
    if test.failure:
        return f"No verdict: {Failure(int(test.failure)).sentence}."
    if test.unresolved:
        return (f"No verdict: {wide} transformation fits these pairs exactly, to rounding, so no residual is left that could "
                "tell noise from deformation.")
    if test.p_value < REJECTED:
        return (f"There is more than noise about {simple} transformation: {wide} one fits better than chance allows "
                f"(p {equals(float(test.p_value))}).")
    return (f"Nothing speaks against {simple} transformation: {wide} one fits no better than chance allows "
            f"(p {equals(float(test.p_value))}).")


def comparison_report(test: Comparison) -> str:
    """Null hypothesis, statistic with its degrees of freedom, p-value, how it was made, verdict, and when not to believe it."""
    numbers = f"  {_named(test)}{_statistic(test)}, p {equals(float(test.p_value))}" if _told(test) else ""
    made = paragraph(f"H0: {test.null}.{numbers} ({test.noise.describe()}; {test.law})")
    return "\n".join([made, *map(paragraph, filter(None, [test.verdict, test.test.caution, *_doubts([test])]))])


def ladder_report(ladder: Ladder) -> str:
    """The simplest model that nothing speaks against, and all steps of rigid < similarity < affine."""
    words = ["" if _told(test) else test.verdict for test in ladder.comparisons]
    parts = [ladder_verdict(ladder), *dict.fromkeys(filter(None, words)), *dict.fromkeys(ladder.skipped)]
    steps = [_steps(ladder)] if ladder.comparisons else []
    return "\n\n".join(["\n".join(map(paragraph, parts)), *steps, *map(paragraph, _made(ladder))])


def _steps(ladder: Ladder) -> str:
    """A row for each comparison; the p-value of the wild F in a column of its own."""
    wild = {test.models: p_text(float(test.p_value)) for test in ladder.beside}
    laws = len({test.law for test in ladder.comparisons}) > 1
    rows = [[f"{test.models[0]} < {test.models[1]}", _statistic(test) if _told(test) else "-", p_text(float(test.p_value)),
             *([wild.get(test.models, "-")] if wild else []), *([test.law] if laws else [])] for test in ladder.comparisons]
    columns = [ladder.comparisons[0].test.label, "p-value", *(["p, wild F"] if wild else []), *([""] if laws else [])]
    return table(["simpler < wider", *columns], rows)


def _made(ladder: Ladder) -> list[str]:
    """How the numbers were made, and what a rejection may be instead of a deformation."""
    if not ladder.comparisons:
        return []
    first = ladder.comparisons[0]
    made = [f"H0: the simpler transformation and {first.test.null} explain all differences ({first.noise.describe()})."]
    laws = ", ".join(dict.fromkeys(test.law for test in ladder.comparisons))
    made.append(f"{first.test.label[0].upper()}{first.test.label[1:]}: {laws}.")
    if first.test.distributed:
        made.append("It takes noise to be Gaussian and alike for all fiducials; that of landmarks placed by hand often is not, "
                    "and then it rejects too often.")
    if ladder.beside:
        made.append(f"Wild F: {ladder.beside[0].law}; it takes noise of any size and law, alike or not.")
    return [" ".join(made), *filter(None, [ladder.alone, first.test.caution, *_doubts([*ladder.comparisons, *ladder.beside])])]


def _doubts(tests: Sequence[Comparison]) -> list[str]:
    """What a rejection may be instead of a deformation."""
    told = [test for test in tests if _told(test)]
    rejected = [test for test in told if test.p_value < REJECTED]
    if not rejected or all(test.test.knows_people for test in rejected):
        return []
    grouped = any(getattr(test.test, "groups", None) is not None for test in told)
    wild = {test.models: float(test.p_value) for test in told if not test.test.distributed}
    unequal = any(wild.get(test.models, 0.0) >= REJECTED for test in rejected if test.test.distributed)
    return [*([UNEQUAL] if unequal else []), GROUPED if grouped else PEOPLE]


def ladder_verdict(ladder: Ladder) -> str:
    """Which model to take, in one sentence."""
    simplest = ladder.simplest
    if simplest is None:
        return "No model can be recommended."
    bad = {test.models[0]: test for test in ladder.comparisons if _told(test) and test.p_value < REJECTED}
    why = "".join(f" {test.verdict}" for test in bad.values())
    untested = " as far as could be tested" if ladder.skipped else ""
    return f"Take {article(simplest)} model: it is the simplest that nothing speaks against{untested}.{why}"


def _batch_verdict(test: Comparison) -> str:
    silent = int(np.isnan(test.p_value).sum())
    rejected = int((test.p_value < REJECTED).sum())
    share = number(100 * rejected / (test.p_value.size - silent), 2) if silent < test.p_value.size else "-"
    rest = f"; {silent} have no verdict" if silent else ""
    simple, wide = (article(model) for model in test.models)
    return (f"Of {test.p_value.size} datasets {rejected} reject {simple} transformation in favour of {wide} one at the 5 % level "
            f"({share} %){rest}.")


def _told(test: Comparison) -> bool:
    return not test.p_value.ndim and not np.isnan(test.p_value)


def _named(test: Comparison) -> str:
    return "" if test.test.name == "F" else f"{test.test.label}: "


def _statistic(test: Comparison) -> str:
    degrees = ", ".join(f"{x:.4g}" for x in (test.dof if test.test.symbol == "F" else test.dof[:1]))
    return f"{test.test.symbol}({degrees}) = {number(float(test.statistic))}"
