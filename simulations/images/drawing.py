"""Spots drawn into an array, and backgrounds that are not flat."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from regerr.detection.profiles import Profile
from regerr.detection.windows import voxels

_BLOCK = 64  # spots at a time


def draw(image: np.ndarray, profile: Profile, place: np.ndarray, amount: np.ndarray, size: np.ndarray, half: list[int]) -> None:
    """Add spots to an image in place.

    Parameters
    ----------
    image : (y, x) or (z, y, x) array
    profile : Profile
    place : (n, d)
        In voxels, in the order of the array's axes.
    amount : (n,)
    size : (n, sizes)
    half : list of int
        Voxels from a spot to the edge of its window along each axis; nothing is drawn beyond.
    """
    axes = tuple(np.arange(-h, h + 1, dtype=float) for h in half)
    flat = image.reshape(-1)
    for i in range(0, len(place), _BLOCK):
        rows = slice(i, i + _BLOCK)
        centre = np.round(place[rows]).astype(int)
        index, inside = voxels(image.shape, centre, half)
        values = profile.evaluate(axes, place[rows] - centre, size[rows])[0] * amount[rows, None]
        np.add.at(flat, index[inside], values[inside])


def structure(rng: np.random.Generator, shape: tuple[int, ...], length: np.ndarray, contrast: float) -> np.ndarray:
    """A positive random field of mean 1; its logarithm has an s.d. of ``contrast`` and varies over ``length`` voxels."""
    if contrast == 0.0:
        return np.ones(shape)
    rough = gaussian_filter(rng.standard_normal(shape), length, mode="wrap")
    rough *= contrast / rough.std()
    field = np.exp(rough)
    return np.asarray(field / field.mean())
