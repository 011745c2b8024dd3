"""Cut-outs of an image around spots, and what the neighbours of a spot add to its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .likelihood import Found, Windows


def cut(image: np.ndarray, centre: np.ndarray, half: Sequence[int]) -> Windows:
    """Windows (m, k) of 2 half + 1 voxels per axis around voxels (m, d); beyond the edge nothing is seen."""
    axes = tuple(np.arange(-h, h + 1, dtype=float) for h in half)
    index, inside = voxels(image.shape, centre, half)
    return Windows(axes, np.where(inside, image.ravel()[index], 0.0), inside.astype(float), np.zeros(index.shape))


def with_others(windows: Windows, found: Found, shape: Sequence[int], centre: np.ndarray, half: Sequence[int]) -> Windows:
    """The same windows, told what all other fitted spots add to them."""
    index, inside = voxels(shape, centre, half)
    whole = np.zeros(int(np.prod(shape)))
    own = np.where(inside & np.isfinite(found.shape), found.shape, 0.0)
    np.add.at(whole, index[inside], own[inside])
    return Windows(windows.axes, windows.seen, windows.inside, np.where(inside, whole[index] - own, 0.0))


def overlapping(centre: np.ndarray, half: Sequence[int]) -> bool:
    """Whether any two windows share voxels."""
    from scipy.spatial import cKDTree

    scaled = centre / (2.0 * np.array(half) + 1.0)
    return bool(len(cKDTree(scaled).query_pairs(1.0 - 1e-9, p=np.inf)))


def voxels(shape: Sequence[int], centre: np.ndarray, half: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Flat index of each voxel of each window, and whether it is in the image."""
    offsets = np.stack(np.meshgrid(*(np.arange(-h, h + 1) for h in half), indexing="ij")).reshape(len(half), -1)
    at = centre[:, :, None] + offsets
    limit = np.array(shape)[:, None]
    inside: np.ndarray = np.all((at >= 0) & (at < limit), axis=1)
    held = np.clip(at, 0, limit - 1)
    return np.ravel_multi_index(tuple(np.moveaxis(held, 1, 0)), tuple(shape)), inside
