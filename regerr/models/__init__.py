"""Families of transformations, one frozen object each."""

from __future__ import annotations

from typing import Protocol

from ..errors import InputError
from ..noise import Noise
from .affine import Affine
from .base import Card, Estimator, Fit, Joint
from .rigid import Rigid
from .similarity import Similarity


class Model(Protocol):
    """A family of transformations: a card of facts, a scale if it is known, and an estimator for each noise it takes."""

    card: Card

    @property
    def scale(self) -> float:
        """Scale of its maps where that is known; 1 otherwise."""
        ...

    def under(self, noise: Noise) -> Estimator:
        """The estimator for a noise, or an UnsupportedError."""
        ...


MODELS: dict[str, Model] = {m.card.name: m for m in (Rigid(), Similarity(), Affine())}


def parse_model(model: str | Model) -> Model:
    """A name or a model object to the object; raises InputError with the known names."""
    if not isinstance(model, str):
        return model
    if model not in MODELS:
        raise InputError(f"model {model!r} is unknown: use one of {', '.join(MODELS)}")
    return MODELS[model]


__all__ = ["MODELS", "Affine", "Card", "Estimator", "Fit", "Joint", "Model", "Rigid", "Similarity", "parse_model"]
