"""Tests of nested models by name, one frozen object each (theory, section 7)."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ..errors import InputError, UnsupportedError
from ..noise import Noise
from .base import NestedTest, Outcome
from .determinants import FullBartlett, FullChiSquare, RaoTest
from .ecclem import IsoFull
from .fisher import FisherTest
from .likelihood import Bartlett, ChiSquare
from .parametric import ParametricBootstrap
from .raters import RatersF, RatersPermuted
from .wild import WildF, WildT

EVERY: tuple[NestedTest, ...] = (
    FisherTest(), RaoTest(), WildF(), WildT(), ParametricBootstrap(), Bartlett(), FullBartlett(), ChiSquare(), FullChiSquare(),
    IsoFull(), RatersF(), RatersPermuted())
TESTS = {shape: {test.name: test for test in EVERY if shape in test.shapes} for shape in ("isotropic", "full", "given")}
ISOTROPIC, FULL, GIVEN = TESTS.values()


def parse_test(test: str | NestedTest, noise: Noise) -> NestedTest:
    """A name or a test object to the object; InputError for an unknown name, UnsupportedError where the noise rules it out."""
    if noise.tails is not None:
        raise UnsupportedError(f"tests of deformation take no noise with tails={noise.tails:g}: leave the tails out, and use the "
                               "test 'wild-t'")
    known = TESTS[noise.shape]
    found = known.get(test) if isinstance(test, str) else test if noise.shape in test.shapes else None
    if found is not None:
        return found
    name = test if isinstance(test, str) else test.label
    if isinstance(test, str) and test not in ISOTROPIC:
        raise InputError(f"test {test!r} is unknown: use one of {', '.join(ISOTROPIC)}")
    raise UnsupportedError(f"the test {name!r} does not take {noise.describe()}: use one of {', '.join(known)}")


def with_options(test: NestedTest, **options: Any) -> NestedTest:
    """The same test with those options that are not None; raises InputError for one that it does not have."""
    given = {name: value for name, value in options.items() if value is not None}
    strange = set(given) - {f.name for f in fields(test)}  # type: ignore[arg-type]
    if strange:
        takers = [name for name, other in ISOTROPIC.items() if strange <= {f.name for f in fields(other)}]  # type: ignore[arg-type]
        raise InputError(f"the test {test.name!r} takes no {' and no '.join(sorted(strange))}: leave it out, or use one of "
                         f"{', '.join(takers)}")
    return replace(test, **given)  # type: ignore[type-var]


__all__ = ["EVERY", "FULL", "GIVEN", "ISOTROPIC", "TESTS", "NestedTest", "Outcome", "parse_test", "with_options"]
