"""How precisely a spot can be localised at all: the Cramer-Rao bound (theory, section 21)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .camera import Camera
from .likelihood import Model, information
from .profiles import Disc, Gaussian, Profile

_FAR = 7.0  # s.d. of a spot, beyond which it tells nothing


def gaussian_bound(position: np.ndarray, photons: np.ndarray, background: float, spot_sd: float | Sequence[float],
                   camera: Camera | None = None) -> np.ndarray:
    """Least covariance of unbiased places of pixelated Gaussian spots, amounts, background and widths unknown too.

    Parameters
    ----------
    position : (n, d) array
        In voxels of size 1, x before y before z; only where in its voxel a spot lies matters.
    photons : (n,) array
    background : float
        Photons per voxel.
    spot_sd : float or one per axis
        In voxels. In 3D that along x is that along y too.
    camera : Camera, optional
        Only its read-out noise matters; none without it.

    Returns
    -------
    (n, d, d) array, in squared voxels
    """
    d = position.shape[1]
    sd = np.broadcast_to(np.asarray(spot_sd, float), (d,))[::-1]
    profile = Gaussian((1.0,) * d, (0, 0) if d == 2 else (1, 0, 0))
    half = [math.ceil(_FAR * s) + 1 for s in sd]
    return _bound(profile, profile.start(sd), half, position, photons, background, camera)


def disc_bound(position: np.ndarray, depth: np.ndarray, background: float, radius: float, edge: float,
               camera: Camera | None = None) -> np.ndarray:
    """The same for discs (balls in 3D) of some radius and softness in voxels; depth in photons per voxel, negative if dark."""
    d = position.shape[1]
    half = [math.ceil(radius + _FAR * edge) + 1] * d
    return _bound(Disc((1.0,) * d), np.array([radius, edge]), half, position, depth, background, camera)


def _bound(profile: Profile, size: np.ndarray, half: Sequence[int], position: np.ndarray, amount: np.ndarray, background: float,
           camera: Camera | None) -> np.ndarray:
    n, d = position.shape
    read = 0.0 if camera is None else camera.read_noise
    axes = tuple(np.arange(-h, h + 1, dtype=float) for h in half)
    variance, b = Camera(1.0, 0.0, read).variance(), np.array([background])
    # one at a time: windows this wide take room
    found = [information(Model(profile), axes, variance, (p - np.round(p))[None, ::-1], a[None], b, size[None])
             for p, a in zip(position, np.broadcast_to(amount, (n,)), strict=True)]
    whole = np.linalg.inv(np.concatenate(found)) if found else np.zeros((0, d, d))
    return np.asarray(whole[:, :d, :d][:, ::-1, ::-1])
