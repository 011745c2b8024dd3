"""A registration that regerr saved, JSON: its pairs are read, with their whole covariances.

For other programs it is written with both ways of the transformation and the covariance of all parameters; the rest is what
`RegistrationResult.save` writes, so that `regerr.load` takes it too.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..pairs import FiducialPairs
from .document import Document
from .objects import sheet_of_pairs
from .sheet import Card, Sheet, brief, refusal

if TYPE_CHECKING:
    from ..results import RegistrationResult
    from ..transforms import Transform

CARD = Card("registration saved by regerr", ".json", "pairs", "of the pairs", "as the pairs were read",
            "the pairs, with whole covariances")
_AXES = "xyz"


def recognises(document: Document) -> bool:
    """Whether the file is regerr's own."""
    return isinstance(document.json, dict) and "regerr" in document.json and "pairs" in document.json


def read(document: Document) -> Sheet:
    """The pairs of the registration; raises InputError when they are damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what there is to warn of is told when the pairs are made again
            pairs = FiducialPairs.from_dict(document.json["pairs"])
            return sheet_of_pairs(pairs).replace(path=document.path, kind=CARD.kind)
    except (TypeError, ValueError, OverflowError) as fault:
        raise refusal(document.path, [f"its pairs are damaged ({brief(fault)}): save it again"]) from None


def registration_to_dict(result: RegistrationResult) -> dict[str, Any]:
    """All of one registration as plain numbers; raises InputError for a batch.

    ``parameters`` are the entries of the linear part A, row by row, and the image c of the centre; ``covariance`` is theirs,
    to first order (docs/theory.md, section 18), for ``T(x) = c + A (x - centre)``, so that the covariance of a mapped point (its
    TRE) follows by linear propagation. Entries that the fiducials do not bound are None.
    """
    from ..records import plain, to_dict

    if result.pairs.batch_shape:
        raise InputError(f"these registrations are a batch of shape {result.pairs.batch_shape}: write one, result[i]")
    names, covariance = parameter_covariance(result)
    more = {
        "source_to_target": _both(result.transform), "target_to_source": _both(result.transform.inverse()),
        "parameters": {"definition": "T(x) = c + A (x - centre), from source to target; A row by row, then c",
                       "names": names, "centre": result.fitted.x_mean,
                       "values": [*result.transform.matrix.ravel().tolist(), *result.fitted.y_mean.tolist()],
                       "covariance": covariance},
    }
    return to_dict(result) | dict(plain(more))


def parameter_covariance(result: RegistrationResult) -> tuple[list[str], np.ndarray]:
    """Names of the parameters of one registration, and their covariance (d (d + 1), d (d + 1)), to first order.

    The linear part and the image of the centre are uncorrelated.
    """
    d = result.pairs.dimension
    names = [f"A_{i}{j}" for i in _AXES[:d] for j in _AXES[:d]] + [f"c_{i}" for i in _AXES[:d]]
    covariance = np.zeros((d * d + d,) * 2)
    covariance[: d * d, : d * d] = result.estimator.matrix_covariance(result.fitted).reshape(d * d, d * d)
    covariance[d * d:, d * d:] = result.fitted.noise_covariance / result.pairs.n
    return names, covariance


def _both(transform: Transform) -> dict[str, Any]:
    return {"matrix": transform.matrix, "offset": transform.offset, "homogeneous": transform.homogeneous}
