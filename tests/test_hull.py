"""The outline of a hull and what a plane cuts out of it; which pixels lie beyond it is held in `test_error_map`."""

from __future__ import annotations

import numpy as np

from regerr.hull import cut, outline


def test_outline_is_the_hull_in_order():
    square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4], [2, 2], [1, 3], [0, 0], [2, 0]])
    assert outline(square).tolist() == [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
    assert outline(np.array([[1.0, 1], [3, 3], [2, 2]])).tolist() == [[1, 1], [3, 3], [1, 1]]
    assert outline(np.array([[1.0, 2]])).tolist() == [[1, 2]]
    assert outline(np.empty((0, 2))).shape == (0, 2)


def test_a_plane_cuts_a_pyramid_at_its_height():
    pyramid = np.array([[0.0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0], [2, 2, 4]])
    found = outline(cut(pyramid, pyramid[:, 2] - 1.0))
    assert found.tolist() == [[0.5, 0.5], [3.5, 0.5], [3.5, 3.5], [0.5, 3.5], [0.5, 0.5]]
