"""Images under the figures of a report: how large their pixels are, and a stack as seen from each side of a volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_report import made, written
from typer.testing import CliRunner

import regerr
from regerr import FiducialPairs, InputError
from regerr.cli import app
from regerr.report.contents import gather
from regerr.report.figures import figures
from regerr.report.picture import Picture, picture_of
from regerr.report.views import ORDERS

tifffile = pytest.importorskip("tifffile")
SIZE, START = np.array([0.5, 1.0, 2.0]), np.array([-3.0, 4.0, 10.0])  # x, y, z
SHAPE = (12, 30, 60)  # z, y, x
SPOTS = np.array([[7, 3, 2], [50, 26, 9], [30, 11, 5], [12, 22, 3], [44, 6, 10], [21, 17, 7], [53, 14, 4], [9, 9, 8]])


def stack(bright: bool = True) -> np.ndarray:
    """Noise and one voxel for each spot."""
    values = np.random.default_rng(1).normal(1000.0, 10.0, SHAPE)
    values[tuple(SPOTS[:, ::-1].T)] += 500.0 if bright else -500.0
    return values.astype(np.float32)


def spots() -> np.ndarray:
    return START + SPOTS * SIZE


def saved(place: Path, values: np.ndarray, axes: str, **sizes: Any) -> Path:
    tifffile.imwrite(place, values, ome=True, photometric="minisblack", metadata={"axes": axes, **sizes})
    return place


def um(**sizes: float) -> dict[str, Any]:
    return {key: value for axis, size in sizes.items()
            for key, value in ((f"PhysicalSize{axis}", size), (f"PhysicalSize{axis}Unit", "µm"))}


# A stack as seen from each side


@pytest.mark.parametrize("bright", [True, False])
def test_every_side_shows_the_spots_where_they_are(bright: bool) -> None:
    picture = picture_of(stack(bright), spots(), "µm", SIZE, START)
    assert picture.bright == bright and ("Maximum" if bright else "Minimum") in picture.words
    for order in ORDERS[3]:
        plane = picture.seen(order)
        index = np.rint((spots()[:, order[:2]] - plane.origin) / plane.spacing).astype(int)
        at = plane.pixels[index[:, 1], index[:, 0]]
        assert (at > 1300 if bright else at < 700).all()
        assert plane.pixels.size == np.prod(SHAPE) / SHAPE[2 - order[2]]


def test_a_wrong_side_would_be_seen() -> None:
    """The check above fails for a picture that is turned."""
    plane = picture_of(stack(), spots(), "µm", SIZE, START).seen((2, 1, 0))
    index = np.rint((spots()[:, (2, 1)] - plane.origin) / plane.spacing).astype(int)
    assert (plane.pixels.T[index[:, 1] % plane.pixels.shape[1], index[:, 0] % plane.pixels.shape[0]] < 1300).any()


def test_the_edges_of_a_stack_are_those_of_its_voxels() -> None:
    picture = picture_of(stack(), spots(), "µm", SIZE, START)
    low, high = picture.corners
    np.testing.assert_allclose(low, START - 0.5 * SIZE)
    np.testing.assert_allclose(high, START + (np.array(SHAPE[::-1]) - 0.5) * SIZE)
    left, right, bottom, top = picture.seen((0, 2, 1)).edges
    np.testing.assert_allclose([left, right, top, bottom], [low[0], high[0], low[2], high[2]])


def test_a_long_stack_is_thinned_along_each_axis_by_itself() -> None:
    values = np.zeros((4, 8, 5000), np.uint8)
    values[2, 3, 4000:4004] = 255
    picture = Picture(values, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), True)
    plane = picture.seen((0, 1, 2))
    assert plane.pixels.shape[0] == 8 and plane.pixels.shape[1] <= 1600
    row, column = np.unravel_index(plane.pixels.argmax(), plane.pixels.shape)
    assert row == 3 and abs(plane.origin[0] + column * plane.spacing[0] - 4001.5) < plane.spacing[0]


def test_a_page_of_a_volume_shows_the_stack(tmp_path: Path) -> None:
    y = spots()
    x = y + np.random.default_rng(3).normal(0, 0.3, y.shape)
    result = regerr.fit(FiducialPairs(x, y, source_unit="µm", target_unit="µm"))
    page = written(result, tmp_path, image=stack(), spacing=SIZE, origin=START)
    assert "Maximum projection, since the fiducials are brighter" in page.words
    picture = picture_of(stack(), y, "µm", SIZE, START)
    overlay = figures(gather(result), picture)[0].figure
    for ax in [ax for ax in overlay.axes if ax.get_xlabel()]:
        (image,) = ax.images
        axis = "xyz".index(ax.get_xlabel()[0])
        np.testing.assert_allclose(image.get_extent()[:2], picture.corners[:, axis])


# How large pixels are


@pytest.mark.parametrize(("unit", "factor"), [("µm", 1.0), ("um", 1.0), ("nm", 1000.0), ("mm", 1e-3)])
def test_the_size_is_that_of_the_metadata_in_the_unit_of_the_target(tmp_path: Path, unit: str, factor: float) -> None:
    path = saved(tmp_path / "stack.ome.tif", stack(), "ZYX", **um(X=0.5, Y=1.0, Z=2.0))
    picture = picture_of(path, factor * SPOTS * SIZE, unit)
    np.testing.assert_allclose(picture.spacing, factor * SIZE)


def test_the_size_of_a_picture_is_that_of_the_metadata(tmp_path: Path) -> None:
    path = saved(tmp_path / "plane.ome.tif", stack()[0], "YX", **um(X=0.108, Y=0.2))
    np.testing.assert_allclose(picture_of(path, np.ones((1, 2)), "nm").spacing, [108.0, 200.0])
    # what is given counts, and coordinates in pixels have pixels of 1
    assert picture_of(path, np.ones((1, 2)), "nm", 5.0).spacing == (5.0, 5.0)
    assert picture_of(path, np.ones((1, 2)), "px").spacing == (1.0, 1.0)
    # points that count from the corner of the first pixel have its centre half a pixel away
    assert picture_of(path, np.ones((1, 2)), "px").origin == (0.0, 0.0)
    np.testing.assert_allclose(picture_of(path, np.ones((1, 2)), "nm", corner=True).origin, [54.0, 100.0])


def test_axes_may_have_units_of_their_own(tmp_path: Path) -> None:
    sizes = um(X=0.5, Y=1.0) | {"PhysicalSizeZ": 2000.0, "PhysicalSizeZUnit": "nm"}
    path = saved(tmp_path / "stack.ome.tif", stack(), "ZYX", **sizes)
    np.testing.assert_allclose(picture_of(path, SPOTS * SIZE, "µm").spacing, SIZE)


def test_the_size_of_an_imagej_stack(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack(), imagej=True, resolution=(2.0, 1.0), metadata={"axes": "ZYX", "spacing": 2.0, "unit": "um"})
    np.testing.assert_allclose(picture_of(path, SPOTS * SIZE, "µm").spacing, SIZE)


def test_one_channel_of_a_stack(tmp_path: Path) -> None:
    both = np.stack([stack(), stack(bright=False)])
    path = saved(tmp_path / "two.ome.tif", both, "CZYX", **um(X=0.5, Y=1.0, Z=2.0))
    assert [picture_of(path, SPOTS * SIZE, "µm", page=page).bright for page in (0, 1)] == [True, False]
    with pytest.raises(InputError, match=r"holds 2 stacks .*CZYX.*choose one with --page 0 to 1"):
        picture_of(path, SPOTS * SIZE, "µm")


def test_pages_without_metadata_are_a_stack(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", stack(), photometric="minisblack")
    np.testing.assert_array_equal(picture_of(tmp_path / "plain.tif", SPOTS * 1.0, "px").pixels, stack())


def test_what_is_missing_is_said_in_one_sentence(tmp_path: Path) -> None:
    flat = saved(tmp_path / "flat.ome.tif", stack(), "ZYX", **um(X=0.5, Y=1.0))
    bare = tmp_path / "bare.tif"
    tifffile.imwrite(bare, stack(), photometric="minisblack")
    plane = saved(tmp_path / "plane.ome.tif", stack()[0], "YX", **um(X=0.108, Y=0.108))
    y, one = SPOTS * SIZE, np.ones((1, 2))
    cases: list[tuple[Any, np.ndarray, str, dict[str, Any], str]] = [
        (flat, y, "µm", {}, r"does not tell how large its pixels are along z, and the target is in µm: give --spacing"),
        (bare, y, "nm", {}, r"does not tell how large its pixels are, and the target is in nm: give --spacing"),
        (plane, one, "EM unit", {}, "pixels of .* are measured in µm, and the target is in EM unit: give --spacing"),
        (plane, one, "unit", {}, "the target has no unit, and a pixel of .* is 0.108,0.108 µm large"),
        (plane, y, "µm", {}, r"is no stack, its axes are YX of \(30, 60\): 3D fiducials need an image \(z, y, x\)"),
        (bare, y, "nm", {"page": 3, "spacing": 1}, "has no stack 3: give 0 to 0"),
        (bare, y + 1e4, "px", {}, r"no fiducial of the target lies in .* reaches from x -0.5 to 59.5, y -0.5 to 29.5, z -0.5 to"),
        (bare, y, "px", {"spacing": (1, 2)}, "give one number, or three, x before y"),
        (stack(), y, "nm", {}, "the image does not tell how large its pixels are"),
    ]
    for image, points, unit, options, words in cases:
        with pytest.raises(InputError, match=words) as raised:
            picture_of(image, points, unit, **options)
        assert "\n" not in str(raised.value)


def test_the_command_takes_a_stack(tmp_path: Path) -> None:
    y = SPOTS * SIZE
    x = y + np.random.default_rng(1).normal(0, 0.3, y.shape)
    rows = "\n".join(",".join(f"{value:.4f}" for value in (*a, *b)) for a, b in zip(x, y, strict=True))
    header = ",".join(f"{axis}_{side} (µm)" for side in ("source", "target") for axis in "xyz")
    (tmp_path / "beads.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")
    path = saved(tmp_path / "stack.ome.tif", stack(), "ZYX", **um(X=0.5, Y=1.0, Z=2.0))
    run = CliRunner().invoke(app, ["report", str(tmp_path / "beads.csv"), "--image", str(path), "--output",
                                   str(tmp_path / "page.html")])
    assert run.exit_code == 0, run.output
    assert "Maximum projection" in (tmp_path / "page.html").read_text(encoding="utf-8")
    run = CliRunner().invoke(app, ["report", str(tmp_path / "beads.csv"), "--image", str(path), "--spacing", "1,2", "--output",
                                   str(tmp_path / "other.html")])
    assert run.exit_code == 2 and "--spacing is '1,2': give one number, or 3" in " ".join(run.stderr.split())


def test_made_pages_of_volumes_stay_whole(tmp_path: Path) -> None:
    """Negative control of the words: without an image nothing is said of one."""
    assert "projection" not in written(made(d=3), tmp_path).words
