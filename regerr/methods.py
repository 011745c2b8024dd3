"""The methods by name: how a region decides."""

from __future__ import annotations

from .errors import InputError
from .ratios import Deletion, LikelihoodRatio, Method, Score, Wald

METHODS: dict[str, Method] = {m.name: m for m in (Score(), LikelihoodRatio(), Wald())}


def parse_method(method: str | Method) -> Method:
    """A name or a method to the method; raises InputError with the known names."""
    if isinstance(method, Method):
        return method
    if method not in METHODS:
        raise InputError(f"method {method!r} is unknown: use one of {', '.join(METHODS)}")
    return METHODS[method]


__all__ = ["METHODS", "Deletion", "LikelihoodRatio", "Method", "Score", "Wald", "parse_method"]
