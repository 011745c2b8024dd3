"""The sentences of a given transformation: what the landmarks say of it, and what they cannot say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from .text import SHOWN, article, decimals_for, equals, fixed, number, paragraph, point, table

if TYPE_CHECKING:
    from ..given import TransformCheck

_REJECTED = 0.05


def given_report(check: TransformCheck) -> str:
    """Verdict, what follows and what does not, then the numbers."""
    parts = [_verdict(check), *_size(check), *_limits(check)]
    return "\n\n".join(["\n".join(map(paragraph, parts)), _numbers(check), _table(check)])


def _verdict(check: TransformCheck) -> str:
    shift, rest = check.shift.p_value, check.correction.p_value
    if math.isnan(check.p_value):
        return (f"{check.pairs.n} landmarks are too few, or their residuals too regular, to test more of the transformation than "
                "the size of its residuals: take more landmarks.")
    if check.p_value >= _REJECTED:
        return f"Nothing in these landmarks contradicts the transformation.{_unseen(check)}"
    off = f"{number(float(np.linalg.norm(check.mean_shift)))} {check.pairs.target_unit}"
    shifted = f"on average they lie {off} from where it puts them, and chance does not explain that (p {equals(shift)})"
    turned = f"{article(check.model)} correction of it fits better than chance allows (p {equals(rest)})"
    said = [words for words, p in ((shifted, shift), (turned, rest)) if p < _REJECTED]
    return f"The landmarks contradict the transformation: {', and '.join(said)}."


def _unseen(check: TransformCheck) -> str:
    """How large a shift would have gone unseen."""
    n, d = check.residuals.shape
    if math.isnan(check.shift.p_value):
        return ""
    half = stdtrit(n - 1, 0.975) * float(np.linalg.norm(check.shift_sd)) / math.sqrt(d)
    return f" A shift of less than about {number(half, 2)} {check.pairs.target_unit} per coordinate would not show."


def _size(check: TransformCheck) -> list[str]:
    """What the size of the residuals means."""
    unit, fre = check.pairs.target_unit, number(check.fre_rms)
    if check.fle is None:
        return [f"Their residuals are {fre} {unit} r.m.s. Whether that is how well the landmarks were placed, or a local "
                "deviation of the transformation, cannot be told without knowing their FLE (--fle)."]
    if check.too_large < _REJECTED:
        return [f"Their residuals, {fre} {unit} r.m.s., are larger than an FLE of {check.fle:g} {unit} explains (p "
                f"{equals(check.too_large)}): the transformation is off, or the FLE is larger."]
    if check.too_small < _REJECTED:
        return [f"Their residuals, {fre} {unit} r.m.s., are too small for an FLE of {check.fle:g} {unit} (p "
                f"{equals(check.too_small)}): the transformation was probably computed from these landmarks, and then they say "
                "little of it."]
    return [f"Their residuals, {fre} {unit} r.m.s., are what an FLE of {check.fle:g} {unit} makes alone."]


def _limits(check: TransformCheck) -> list[str]:
    return ["This holds for landmarks that were not used to compute the transformation; if they were, fit them with regerr fit "
            "instead. It says nothing of places far from them."]


def _numbers(check: TransformCheck) -> str:
    decimals = decimals_for(check.fre_rms)
    unit = check.pairs.target_unit
    rows = [["mean shift", f"{point(check.mean_shift, decimals)} {unit}, s.d. {point(check.shift_sd, decimals)}", _test(
        "T squared as F", check.shift.statistic, check.shift.dof, check.shift.p_value)],
            [f"{check.model} correction", "apart from a shift", _test("F", check.correction.statistic, check.correction.dof,
                                                    check.correction.p_value)]]
    return "Tests\n" + table(["H0: the transformation is right", "", ""], rows)


def _test(name: str, statistic: float, dof: tuple[float, float], p: float) -> str:
    return "no verdict" if math.isnan(p) else f"{name}({dof[0]:g}, {dof[1]:g}) = {number(statistic)}, p {equals(p)}"


def _table(check: TransformCheck) -> str:
    lengths = np.linalg.norm(check.residuals, axis=-1)
    decimals = decimals_for(check.fre_rms, 3)
    order = np.argsort(-lengths, kind="stable")
    rows = [[check.pairs.names[i], *(fixed(float(v), decimals) for v in (*check.residuals[i], lengths[i]))]
            for i in order[:SHOWN]]
    hidden = len(order) - SHOWN
    tail = f"\n  ... and {hidden} more" if hidden > 0 else ""
    head = ["", *(f"residual {a}" for a in "xyz"[:check.pairs.dimension]), "length"]
    return f"Landmarks, farthest first (lengths in {check.pairs.target_unit})\n" + table(head, rows) + tail
