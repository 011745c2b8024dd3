"""The methods by name: how a region decides.

Those of `ratios` follow the law of the noise; those of `ranks` and `mixture` compare the new pair with the pairs themselves.
"""

from __future__ import annotations

from .errors import InputError
from .mixture import Mixture
from .ranks import InterpolatedRank, Rank
from .ratios import Deletion, LikelihoodRatio, Method, Score, Wald

METHODS: dict[str, Method] = {m.name: m for m in (Score(), LikelihoodRatio(), Wald(), Rank(), InterpolatedRank(), Mixture())}


def parse_method(method: str | Method) -> Method:
    """A name or a method to the method; raises InputError with the known names."""
    if isinstance(method, Method):
        return method
    if method not in METHODS:
        raise InputError(f"method {method!r} is unknown: use one of {', '.join(METHODS)}")
    return METHODS[method]


__all__ = ["METHODS", "Deletion", "InterpolatedRank", "LikelihoodRatio", "Method", "Mixture", "Rank", "Score", "Wald",
           "parse_method"]
