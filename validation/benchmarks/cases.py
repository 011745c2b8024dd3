"""What is timed: a cell of the ICIP study, single fits, searches under given covariances, an error map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import regerr
from regerr.noise import Noise
from simulations import Affine, Experiment, Gathered, Observed, Uniform

from .timing import Case

CHUNK = 500
N, TARGETS = 25, 100
_CELL = Experiment(Gathered(N), Uniform(TARGETS, low=-256.0, high=768.0), Affine(),
                   Noise(source_covariance=1.0, target_covariance=1.0))


def cases() -> Iterator[Case]:
    """All cases, each built when its turn comes."""
    yield from _cells()
    yield from _fits()
    yield from _searches()
    yield from _maps()


def _cells() -> Iterator[Case]:
    numbers = "numpy drawing its numbers"
    where = f"ICIP cell, n = {N}, {TARGETS} targets"
    yield Case(f"{where}: both published regions", numbers, _cell(4, _published), _numbers(4), 4.0, repetitions=20)
    yield Case(f"{where}: score regions, rigid", numbers, _cell(4, _score("rigid")), _numbers(4), 15.0, repetitions=10)
    yield Case(f"{where}: score regions, affine both", numbers, _cell(1, _score("affine")), _numbers(1), 40.0)


def _cell(chunks: int, analyse: Callable[[Observed], None]) -> Callable[[], None]:
    def work() -> None:
        rng = np.random.default_rng(1)
        for _ in range(chunks):
            analyse(_CELL.sample(rng, (CHUNK,)))

    return work


def _numbers(chunks: int) -> Callable[[], None]:
    """The same Gaussian numbers, those of a chunk all held as a study holds them."""

    def work() -> None:
        rng = np.random.default_rng(1)
        for _ in range(chunks):
            held = [rng.standard_normal((CHUNK, points, 2)) for points in (N, N, TARGETS, TARGETS)]
            del held

    return work


def _published(observed: Observed) -> None:
    for model, noise in (("affine", "full"), ("rigid", "both")):
        region = _predicted(observed, model, noise).region(0.95, "wald")
        region.contains(observed.targets.target)
        region.volume  # noqa: B018  # computed when asked for


def _score(model: str) -> Callable[[Observed], None]:
    def analyse(observed: Observed) -> None:
        _predicted(observed, model, "both").region(0.95, "score").contains(observed.targets.target)

    return analyse


def _predicted(observed: Observed, model: str, noise: str) -> regerr.predictions.Prediction:
    return regerr.fit(observed.pairs, model, noise, on_failure="mark").predict(observed.targets.source, "observation")


def _fits() -> Iterator[Case]:
    from skimage.transform import AffineTransform, EuclideanTransform

    count = 10_000
    rng = np.random.default_rng(2)
    source = 22.0 * rng.standard_normal((count, 10, 2))
    target = source + rng.standard_normal(source.shape)
    for name, noise, other, wanted in (("rigid", "both", EuclideanTransform, 40.0), ("affine", "target", AffineTransform, 100.0)):
        yield Case(f"{count} fits in 2D, n = 10: {name}", f"a loop over scikit-image's {other.__name__}",
                   partial(_fit_all, source, target, name, noise), partial(_fit_each, source, target, other), wanted, faster=True,
                   repetitions=3)


def _fit_all(source: np.ndarray, target: np.ndarray, model: str, noise: str) -> object:
    return regerr.fit(regerr.FiducialPairs(source, target), model, noise).transform


def _fit_each(source: np.ndarray, target: np.ndarray, transform: Any) -> list[object]:
    return [transform.from_estimate(x, y) for x, y in zip(source, target, strict=True)]


def _searches() -> Iterator[Case]:
    """Tilted noise in both spaces, three times as large along one axis: one shape for all, and one for each fiducial."""
    count, n = 10_000, 10
    rng = np.random.default_rng(4)
    tilt, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    shape = tilt @ np.diag([1.0, 1.0, 9.0]) @ tilt.T
    source = 20.0 * rng.standard_normal((count, n, 3))
    root = np.linalg.cholesky(shape).T
    left, right = (source + rng.standard_normal(source.shape) @ root for _ in range(2))
    pairs = regerr.FiducialPairs(left, right)
    each = np.exp(rng.uniform(-1.0, 1.0, (n, 1, 1))) * shape
    for words, covariance in (("one shape", shape), ("one covariance per fiducial", each)):
        noise = Noise(source_covariance=covariance, target_covariance=covariance)
        yield Case(f"{count} rigid fits in 3D, n = {n}: {words}", "the closed form for isotropic noise",
                   partial(regerr.fit, pairs, "rigid", noise, "mark"), partial(regerr.fit, pairs, "rigid", "both", "mark"), 20.0,
                   repetitions=3)


def _maps() -> Iterator[Case]:
    if find_spec("regerr.error_map") is None:
        return
    side = 8192
    rng = np.random.default_rng(3)
    source = side / 2 + 500.0 * rng.standard_normal((10, 2))
    result = regerr.fit(regerr.FiducialPairs(source, source + rng.standard_normal(source.shape)))
    plain, copy = np.ones((side, side), np.float32), np.empty((side, side), np.float32)
    yield Case(f"error map of {side} x {side} pixels", "np.copyto", lambda: result.error_map((side, side)),
               lambda: np.copyto(copy, plain), 4.5)
