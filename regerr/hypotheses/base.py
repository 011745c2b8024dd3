"""What every test of a simpler against a wider model is: a frozen object with a name and one method.

Tests are applied to whole batches and trust what they are given; `regerr.deformation` checks it at the door.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import UnsupportedError
from ..models import Model
from ..noise import Noise
from ..pairs import FiducialPairs


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a test found, for one dataset or a batch (...).

    Attributes
    ----------
    statistic, p_value : (...)
    dof : (float, float)
        Parameters that the wider model has more, and residual degrees of freedom; the second is infinite where none enter.
    law : str
        What the p-value rests on, in words.
    unresolved : (...) bool
        Datasets that the wider model fits exactly, to rounding.
    exact : bool
        Whether the law holds exactly under the null.
    """

    statistic: np.ndarray
    p_value: np.ndarray
    dof: tuple[float, float]
    law: str
    unresolved: np.ndarray
    exact: bool = False


class NestedTest(ABC):
    """A test of nested models; subclasses are frozen dataclasses whose fields are their options.

    Attributes
    ----------
    name : str
        What it is asked for by, and what tables call it.
    label : str
        What figures and sentences call it.
    symbol : str
        Of its statistic.
    shapes : tuple of str
        The shapes of noise that it takes, as in `regerr.Noise`.
    null : str
        What besides the transformation explains all differences under the null.
    caution : str
        One sentence on when not to believe it, or nothing.
    distributed : bool
        Whether it takes the noise to be Gaussian and alike for all fiducials.
    knows_people : bool
        Whether biases of single raters are in its law.
    """

    name: str
    label: ClassVar[str]
    symbol: ClassVar[str] = "F"
    shapes: ClassVar[tuple[str, ...]] = ("isotropic",)
    null: ClassVar[str] = "noise"
    caution: ClassVar[str] = ""
    distributed: ClassVar[bool] = True
    knows_people: ClassVar[bool] = False

    @abstractmethod
    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        """Test pairs of batch shape (...) that determine both models, under a noise that the test takes."""

    def fitted_to(self, pairs: FiducialPairs) -> FiducialPairs:
        """The pairs that the two models are fitted to."""
        return pairs

    def fits(self, simpler: Model, wider: Model, noise: Noise) -> tuple[tuple[Model, Noise], ...]:
        """The models that must have a fit, each under a noise."""
        return ((wider, noise), (simpler, noise)) if noise.shape == "given" else ((wider, noise),)


def more_parameters(simpler: Model, wider: Model, dimension: int) -> int:
    """q: how many parameters the wider model has more."""
    return wider.card.parameters[dimension] - simpler.card.parameters[dimension]


def without_scale(test: NestedTest, noise: Noise) -> None:
    """Refuse a known scale; raises UnsupportedError."""
    if noise.scale is not None:
        raise UnsupportedError(f"the test {test.name!r} estimates the noise, and its s.d. is given as {noise.scale:g}: leave "
                               "the known s.d. out, or use the test 'F'")
