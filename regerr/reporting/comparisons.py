"""The sentences of tests of deformation: what was asked, what the numbers are, and which model to take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import Failure
from .text import article, equals, number, p_text, paragraph, table

if TYPE_CHECKING:
    from ..deformation import Comparison, Ladder

REJECTED = 0.05  # p-value below which a test speaks against its null


def null_hypothesis(test: Comparison) -> str:
    """The null hypothesis in words."""
    return f"{article(test.models[0])} transformation and noise explain all differences"


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
    """Null hypothesis, statistic with its degrees of freedom, p-value, how it was made, and the verdict."""
    numbers = f"  {_statistic(test)}, p {equals(float(test.p_value))}" if _told(test) else ""
    return paragraph(f"H0: {test.null}.{numbers} ({test.noise.describe()}; {_law(test)})") + "\n" + paragraph(test.verdict)


def ladder_report(ladder: Ladder) -> str:
    """The simplest model that nothing speaks against, and all steps of rigid < similarity < affine."""
    rows = [[f"{test.models[0]} < {test.models[1]}", _statistic(test) if _told(test) else "-", p_text(float(test.p_value)),
             _law(test)] for test in ladder.comparisons]
    steps = [table(["simpler < wider", "", "p-value", ""], rows)] if rows else []
    words = ["" if _told(test) else test.verdict for test in ladder.comparisons]
    made = [f"H0: the simpler transformation and noise explain all differences ({ladder.comparisons[0].noise.describe()}). Noise "
            "is taken to be Gaussian and alike for all fiducials; that of landmarks placed by hand often is not, and then the "
            "tests reject too often."] if rows else []
    parts = [ladder_verdict(ladder), *dict.fromkeys(filter(None, words)), *ladder.skipped]
    return "\n\n".join(["\n".join(map(paragraph, parts)), *steps, *map(paragraph, made)])


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


def _statistic(test: Comparison) -> str:
    q, v = (f"{x:.4g}" for x in test.dof)
    return f"F({q}, {v}) = {number(float(test.statistic))}"


def _law(test: Comparison) -> str:
    return "exact" if test.exact else "exact to first order"
