"""Numbers, lists and sentences as captions print them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from . import panels
from .style import Look, legend_order

KINDS = {
    "tre": "for where a true position lands (tre)",
    "lre": "for where a bead that was localised in the source truly is in the target (lre)",
    "observation": "for where a bead will be localised in the target (observation)",
}
STRETCHED = f"Where a dotted line stands at {panels.STRETCHED:g}, the axis is stretched above it."
WIDEST = "It is that of a single target; the band of a mean over targets is narrower."


def share(value: float) -> str:
    """A coverage, to three digits: ``0.951``."""
    return f"{value:.3f}"


def span(values: pd.Series) -> str:
    """From the least to the greatest coverage: ``0.944 to 0.951``."""
    return f"{share(values.min())} to {share(values.max())}"


def number(value: float) -> str:
    """A number to three significant digits, without an exponent: ``1.23``, ``45.6``, ``12,300``."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 or rounded == 0 else f"{rounded:#.3g}"


def count(value: float) -> str:
    """A whole number: ``10,000``."""
    return f"{int(value):,}"


def listed(things: Iterable[object]) -> str:
    """``10, 25 and 100``."""
    words = [str(thing) for thing in things]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def percent(level: float) -> str:
    """A level: ``95 %``."""
    return f"{100 * level:g} %"


def band(level: float, replicates: float) -> str:
    """Which coverages the Monte Carlo band holds."""
    half = panels.half_band(level, replicates)
    return (f"Line: nominal level {level:g}; grey band: {share(level - half)} to {share(min(level + half, 1.0))}, which holds "
            f"{100 * panels.CONFIDENCE:g} of 100 coverages of an exact region.")


def by_method(means: pd.DataFrame, found: Mapping[str, Look], column: str = "coverage_mean") -> str:
    """The span of a column for each method: ``published 0.944 to 0.951; score ...``."""
    of = means["estimator"].map(lambda name: found[name].key)
    present = legend_order({name: found[name] for name in means["estimator"].unique()})
    return "; ".join(f"{look.label} {span(means.loc[of == look.key, column])}" for look in present)
