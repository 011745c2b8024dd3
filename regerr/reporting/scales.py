"""The sentences of a test of the scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .text import equals, paragraph, plus_minus

if TYPE_CHECKING:
    from ..scales import ScaleTest

_REJECTED = 0.05


def scale_report(test: ScaleTest) -> str:
    """Whether the fitted scale agrees with the expected one, and what could still be."""
    if test.p_value.ndim:
        known = ~np.isnan(test.p_value)
        return (f"Of {test.p_value.size} datasets {int((test.p_value[known] < _REJECTED).sum())} reject a scale of "
                f"{test.expected:g} at the 5 % level.")
    unit = "" if test.source_unit == test.target_unit else f" {test.target_unit} per {test.source_unit}"
    scale, p = plus_minus(float(test.scale), float(test.sd)), float(test.p_value)
    fitted = f"{scale}{unit} was fitted and {test.expected:g} expected"
    if math.isnan(p):
        return paragraph(f"No verdict on the scale: {fitted}, and the pairs fit exactly, so no noise can be estimated from them.")
    low, high = test.interval()
    percent = 100.0 * (float(test.scale) / test.expected - 1.0)
    law = "normal" if math.isinf(test.degrees_of_freedom) else f"t({test.degrees_of_freedom:g})"
    numbers = f"(95 % interval {low:.5g} to {high:.5g}; {law} = {float(test.statistic):.2f}, p {equals(p)}, exact to first order)"
    if p < _REJECTED:
        more = "larger" if percent > 0 else "smaller"
        return paragraph(f"The scale is not the expected one: {fitted}, {abs(percent):.2g} % {more} {numbers}. Check the pixel "
                         "sizes, or let the scale be fitted.")
    return paragraph(f"The scale agrees with the expected one: {fitted} {numbers}.")
