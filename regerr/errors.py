"""What can go wrong, and the sentence that says so.

Errors raised at the door carry one sentence for a person. Failures inside a batch are data: one code per dataset, and each
code owns its sentence here, so that a study can count what a single fit raises.
"""

from __future__ import annotations

from enum import IntEnum


class RegistrationError(Exception):
    """Base of every error this library raises on purpose; the message is one sentence for a person."""


class InputError(RegistrationError, ValueError):
    """A file, an array or an argument is not what it should be."""


class UndeterminedError(RegistrationError):
    """The pairs do not determine the transformation."""


class UnsupportedError(RegistrationError):
    """The model cannot do what was asked of it."""


class MissingExtraError(RegistrationError):
    """A function needs an optional library that is not installed."""


class RegistrationWarning(UserWarning):
    """Something a person should look at; the message is one sentence, and the result stands."""


class Failure(IntEnum):
    """Why one dataset of a batch has no fit."""

    NONE = 0
    COINCIDENT = 1
    COLLINEAR = 2
    COPLANAR = 3
    NO_SOLUTION = 4
    NO_ROTATION = 5
    NOT_SETTLED = 6

    @property
    def sentence(self) -> str:
        """What happened and what to do, for a person."""
        return _SENTENCES[self]


_SENTENCES = {
    Failure.NONE: "",
    Failure.COINCIDENT: "all fiducials lie at one place in the source or the target: add fiducials elsewhere",
    Failure.COLLINEAR: "the fiducials lie on one line and leave the transformation undetermined: add one off the line, "
    "or fit a simpler model",
    Failure.COPLANAR: "the fiducials lie in one plane and leave an affine transformation in 3D undetermined: add one "
    "off the plane, or fit a rigid or similarity model",
    Failure.NO_SOLUTION: "noise in both spaces has no finite solution for these fiducials (the spread along one direction is "
    "below the noise): add fiducials there, or fit a simpler model",
    Failure.NO_ROTATION: "no rotation fits these fiducials better than any other, as when a symmetric layout was mirrored: "
    "flip one image, or add fiducials",
    Failure.NOT_SETTLED: "the search for the best fit under the given covariances did not settle (the spread along one direction "
    "may be below the noise): add fiducials, check the covariances, or fit a simpler model",
}
