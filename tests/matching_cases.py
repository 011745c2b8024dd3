"""Point sets whose pairs are known, for the tests of matching."""

from __future__ import annotations

import numpy as np

from validation.matching.scenes import Case, Related


def beads(dimension: int = 2, n: int = 20, missing: float = 0.3, model: str = "rigid", seed: int = 0, **options) -> Case:
    return Related(dimension, n, missing, model, **options).sample(np.random.default_rng(seed))


def grid(rows: int, columns: int, pitch: float = 100.0) -> np.ndarray:
    return pitch * np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2).astype(float)


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[c, s], [-s, c]])


def outline(seed: int = 0, corners: int = 200, rough: float = 0.25) -> np.ndarray:
    """An irregular closed outline of about 300 in radius."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = 1 + sum(rough / k * (rng.standard_normal() * np.cos(k * t) + rng.standard_normal() * np.sin(k * t))
                     for k in range(2, 6))
    return 300 * np.stack([radius * np.cos(t), radius * np.sin(t)], -1)


def on_outline(corners: np.ndarray, n: int, noise: float, seed: int = 0, part: float = 1.0) -> np.ndarray:
    """Points at random places of the first part of an outline, with noise."""
    rng = np.random.default_rng(seed)
    i, t = rng.integers(int(part * len(corners)), size=n), rng.uniform(size=(n, 1))
    return corners[i] * (1 - t) + np.roll(corners, -1, axis=0)[i] * t + noise * rng.standard_normal((n, 2))


def mesh(seed: int = 0, corners: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Corners and faces of an irregular closed surface."""
    from scipy.spatial import ConvexHull

    rng = np.random.default_rng(seed)
    v = rng.standard_normal((corners, 3))
    v /= np.linalg.norm(v, axis=1)[:, None]
    faces = ConvexHull(v).simplices
    bumps = 1 + 0.25 * np.sin(2 * v @ rng.standard_normal(3)) + 0.2 * np.cos(3 * v @ rng.standard_normal(3))
    return v * bumps[:, None] * np.array([300.0, 200.0, 150.0]), faces


def on_mesh(corners: np.ndarray, faces: np.ndarray, n: int, noise: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chosen, weights = corners[faces[rng.integers(len(faces), size=n)]], rng.dirichlet([1, 1, 1], n)
    return np.einsum("nk,nkd->nd", weights, chosen) + noise * rng.standard_normal((n, 3))
