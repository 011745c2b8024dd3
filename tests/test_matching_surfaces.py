"""Points laid on an outline or a mesh: closest points, laws, symmetric outlines, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from matching_cases import mesh, on_mesh, on_outline, outline, turned

import regerr
from regerr.matching import Verdict, match_surface
from regerr.matching.surfaces import Surface, spread_out
from validation.matching.scenes import drawn_matrix


def moved(points, found, truth):
    """R.m.s. distance of the images of points from their true images."""
    return np.sqrt(((found.best.transform.apply(points) - truth) ** 2).sum(-1).mean())


# The closest point


def test_closest_points_of_an_outline_by_brute_force():
    corners, rng = outline(1), np.random.default_rng(1)
    elements = np.stack([corners, np.roll(corners, -1, axis=0)], 1)
    points = rng.uniform(-500, 500, size=(200, 2))
    feet, normals = Surface.of(elements).closest(points)
    t = np.linspace(0, 1, 400)[:, None, None]
    dense = (elements[:, 0] * (1 - t) + elements[:, 1] * t).reshape(-1, 2)
    brute = np.sqrt(((points[:, None] - dense) ** 2).sum(-1).min(1))
    own = np.linalg.norm(points - feet, axis=-1)
    assert (own <= brute + 1e-9).all() and np.allclose(own, brute, atol=0.05)
    assert np.allclose(np.linalg.norm(normals, axis=-1), 1.0)


def test_closest_points_of_a_tetrahedron():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    surface = Surface.of(corners[[[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]])
    points = np.array([[0.2, 0.2, -1.0], [-1, -1, -1], [2.0, 0, 0], [1.0, 1, 1], [0.5, -1.0, -1.0]])
    wanted = np.array([[0.2, 0.2, 0], [0, 0, 0], [1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0, 0]])
    assert np.allclose(surface.closest(points)[0], wanted, atol=1e-9)


def test_closest_points_of_a_mesh_by_brute_force():
    corners, faces = mesh(2, 120)
    points = np.random.default_rng(2).uniform(-400, 400, size=(60, 3))
    weights = np.random.default_rng(3).dirichlet([1, 1, 1], 400)
    dense = np.einsum("sk,fkd->fsd", weights, corners[faces]).reshape(-1, 3)
    brute = np.sqrt(((points[:, None] - dense) ** 2).sum(-1).min(1))
    own = np.linalg.norm(points - Surface.of(corners[faces]).closest(points)[0], axis=-1)
    assert (own <= brute + 1e-9).all() and (own >= brute - 15.0).all()


def test_points_that_are_spread_out_are_some_of_the_points():
    x = np.random.default_rng(3).uniform(size=(50, 2))
    chosen = spread_out(x, 10)
    assert len({tuple(p) for p in chosen.tolist()} & {tuple(p) for p in x.tolist()}) == 10
    assert np.array_equal(spread_out(x[:5], 10), x[:5])


# Matching


@pytest.mark.parametrize(("model", "part", "spurious", "n"), [("rigid", 1.0, 0, 30), ("rigid", 0.6, 5, 30),
                                                              ("similarity", 1.0, 5, 40), ("affine", 1.0, 5, 50)])
def test_points_on_an_outline(model, part, spurious, n):
    rng = np.random.default_rng(4)
    corners = outline(5)
    points = on_outline(corners, n, 3.0, 6, part)
    points[:spurious] = rng.uniform(-400, 400, size=(spurious, 2))
    matrix = drawn_matrix(model, 2, rng)
    found = match_surface(points, corners @ matrix.T + 700.0, model)
    assert found.accepted, found.sentence
    assert moved(points, found, points @ matrix.T + 700.0) < 12.0
    size = np.sqrt(np.linalg.det(matrix))
    assert 1.5 * size < found.best.noise_sd < 4.5 * size
    assert found.best.used[spurious:].mean() > 0.9
    assert np.allclose(np.linalg.norm(found.best.feet - found.best.transform.apply(points), axis=-1), found.best.distance)


@pytest.mark.parametrize("model", ["rigid", "similarity"])
def test_points_on_a_mesh(model):
    corners, faces = mesh(1)
    points = on_mesh(corners, faces, 40, 2.0, 2)
    matrix = drawn_matrix(model, 3, np.random.default_rng(5))
    found = match_surface(points, corners @ matrix.T - 90.0, model, faces=faces)
    assert found.accepted and moved(points, found, points @ matrix.T - 90.0) < 8.0


def test_motions_and_order_do_not_matter():
    corners = outline(7)
    points = on_outline(corners, 40, 2.0, 8)
    found = match_surface(points, corners)
    other = match_surface(turned(points, 77.0)[::-1] - 3e4, np.roll(turned(corners, -20.0), 17, axis=0) + 900.0)
    assert found.accepted and other.accepted
    assert np.allclose(other.best.distance[::-1], found.best.distance, atol=0.2)


def test_a_round_outline_is_refused_with_the_alternatives():
    t = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    circle = 300 * np.stack([np.cos(t), np.sin(t)], -1)
    found = match_surface(on_outline(circle, 30, 1.0), circle)
    assert found.verdict is Verdict.AMBIGUOUS and len(found.alternatives) > 3 and "equally well" in found.sentence
    with pytest.raises(regerr.UndeterminedError, match="equally well"):
        _ = found.transform


def test_a_half_turn_of_an_ellipse_is_told():
    t = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ellipse = np.stack([300 * np.cos(t), 150 * np.sin(t)], -1)
    found = match_surface(on_outline(ellipse, 40, 2.0, 1), ellipse)
    assert found.verdict is Verdict.AMBIGUOUS
    cosines = [a.transform.matrix[0, 0] for a in (found.best, *found.alternatives)]
    assert min(cosines) < -0.99 and max(cosines) > 0.99


def test_a_mirrored_outline_needs_the_request():
    corners = outline(9)
    points = on_outline(corners, 40, 2.0, 3) * [-1, 1]
    plain, asked = match_surface(points, corners), match_surface(points, corners, mirror=True)
    assert asked.accepted and asked.best.mirrored and asked.best.noise_sd < 3.0
    assert not plain.accepted or plain.best.noise_sd > 3 * asked.best.noise_sd
    assert moved(points, asked, points * [-1, 1]) < 8.0


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_scattered_points_are_refused(model):
    rng = np.random.default_rng(10)
    for n in (12, 30):
        found = match_surface(rng.uniform(-300, 300, size=(n, 2)), outline(n), model)
        assert found.verdict is Verdict.CHANCE and "better than chance" in str(found)


def test_a_tight_group_of_points_is_no_evidence():
    """They all lie near the outline once the group does."""
    assert not match_surface(np.random.default_rng(1).uniform(0, 8, size=(20, 2)), outline(1)).accepted


@pytest.mark.parametrize(("options", "words"), [
    ({"surface": outline(), "model": "affine", "points": np.eye(9)[:, :2]}, ("9 points", "at least 10")),
    ({"surface": outline(), "points": np.eye(12)[:, :3]}, ("3D", "2D")),
    ({"surface": mesh()[0], "points": np.eye(12)[:, :3]}, ("faces",)),
    ({"surface": outline(), "points": np.eye(12)[:, :2], "faces": np.zeros((2, 3), int)}, ("faces", "2D")),
    ({"surface": mesh()[0], "points": np.eye(12)[:, :3], "faces": [[0, 1, 400]]}, ("corner 400", "400")),
    ({"surface": mesh()[0], "points": np.eye(12)[:, :3], "faces": [[0, 0, 1]]}, ("flat",)),
    ({"surface": mesh()[0], "points": np.eye(12)[:, :3], "faces": [[0.5, 0, 1]]}, ("whole numbers",)),
])
def test_bad_input_is_refused(options, words):
    with pytest.raises(regerr.InputError) as fault:
        match_surface(**options)
    assert all(word in str(fault.value) for word in words), fault.value
