"""The user's image under a picture: what is taken for one, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import tifffile
from matplotlib import pyplot

from regerr import InputError, MissingExtraError
from regerr.canvas import axes, extent, frame, read_image, show_image

EDGES = (0.0, 9.0, 12.0, 0.0)


@pytest.fixture(autouse=True)
def _quietly() -> Iterator[None]:
    mpl.use("Agg")
    yield
    pyplot.close("all")


def shown(picture: Any) -> np.ndarray:
    """What is drawn of an image."""
    ax = axes(None, "px", EDGES)
    show_image(ax, read_image(picture), EDGES)
    ax.figure.canvas.draw()
    return np.asarray(ax.images[0].get_array())


def test_image_from_a_file(tmp_path: Path):
    path = tmp_path / "cells.tif"
    picture = np.random.default_rng(0).integers(0, 255, (12, 9)).astype(np.uint8)
    tifffile.imwrite(path, picture)
    assert np.array_equal(read_image(path), picture) and np.array_equal(read_image(str(path)), picture)


def test_grey_from_dark_to_bright():
    ramp = np.arange(1000.0).reshape(20, 50)
    assert shown(ramp).ravel() == pytest.approx(np.clip((ramp.ravel() - 4.995) / (997.002 - 4.995), 0, 1))
    assert not shown(np.full((12, 9), 7)).any()


def test_typical_brightness():
    ax = axes(None, "px", EDGES)
    assert show_image(ax, np.arange(101.0).reshape(1, 101), EDGES) == pytest.approx(0.5, abs=0.01)


def test_colour_images_keep_their_colours():
    colours = np.random.default_rng(0).integers(0, 255, (12, 9, 3)).astype(np.uint8)
    assert np.array_equal(shown(colours), colours / 255)
    assert np.array_equal(shown(colours / 255), colours / 255)


def test_planes_of_one_are_no_planes():
    assert read_image(np.zeros((1, 12, 9, 1))).shape == (12, 9)


@pytest.mark.parametrize(("image", "words"), [
    (np.zeros((5, 6, 7)), r"image has shape \(5, 6, 7\)"), (np.zeros(5), r"image has shape \(5,\)"),
    (np.array([["a", "b"]]), "type <U1"), ("absent.tif", r"absent\.tif: there is no such file")])
def test_what_is_no_image(image: Any, words: str):
    with pytest.raises(InputError, match=words):
        read_image(image)


def test_a_file_that_is_no_image(tmp_path: Path):
    path = tmp_path / "notes.tif"
    path.write_text("no picture")
    with pytest.raises(InputError, match=r"notes\.tif cannot be read as a TIFF image"):
        read_image(path)


def test_a_path_without_tifffile(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(MissingExtraError, match=r"tifffile.*regerr\[io\].*as an array"):
        read_image("cells.tif")


def test_extent_is_half_a_pixel_around_the_centres():
    assert extent(10, 4, (2.0, 3.0), (1.0, -1.0)) == (0.0, 20.0, 9.5, -2.5)


def test_frame_of_one_point_has_a_size():
    left, right, bottom, top = frame(np.array([[5.0, 7.0]]))
    assert left < 5.0 < right and top < 7.0 < bottom


@pytest.mark.parametrize("ratio", [0.01, 1.0, 100.0])
def test_figures_fit_a_column(ratio: float):
    figure: Any = axes(None, "px", (0.0, 1.0, ratio, 0.0)).figure
    width, height = figure.get_size_inches()
    assert width == pytest.approx(85 / 25.4) and 1.5 < height < 8.0
