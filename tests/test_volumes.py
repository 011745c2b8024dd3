"""Maps that are written block by block: the same numbers as the whole map, in flat memory, complete or not there at all."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import regerr
from regerr import FiducialPairs, InputError, RegistrationResult
from regerr.cli import app
from regerr.commands import grids
from regerr.large_maps import LargeMap, Spread
from regerr.ome_zarr import levels_of
from regerr.progress import watched

tifffile = pytest.importorskip("tifffile")
zarr = pytest.importorskip("zarr")

GRIDS: dict[int, dict[str, Any]] = {
    2: {"shape": (310, 270), "spacing": (0.5, 0.7), "origin": (-3.0, 4.0)},
    3: {"shape": (21, 300, 270), "spacing": (0.5, 0.7, 4.0), "origin": (-3.0, 4.0, 1.0)}}
UNITS = {"nm": "nanometer", "µm": "micrometer"}


def made(d: int = 3, model: str = "affine", n: int = 9) -> RegistrationResult:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 100, (n, d))
    return regerr.fit(FiducialPairs(x, x + rng.normal(0, 1, x.shape), source_unit="nm", target_unit="µm"), model)


def read(path: Path) -> np.ndarray:
    if path.suffix == ".zarr":
        return np.asarray(zarr.open_group(str(path), mode="r")["0"][:])
    return np.asarray(tifffile.imread(path))


def thin() -> RegistrationResult:
    """Regions of which are unbounded in part of the field."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 100, (8, 2)) * [1.0, 0.03]
    return regerr.fit(FiducialPairs(x, x + rng.normal(0, 0.35, x.shape)), "affine")


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("options", [{}, {"kind": "observation"}, {"quantity": "radius", "level": 0.9, "image": "target"}],
                         ids=["tre", "observation", "radius"])
def test_blocks_hold_the_numbers_of_the_whole_map(tmp_path: Path, d: int, suffix: str, options: dict[str, Any]) -> None:
    result = made(d)
    whole = result.error_map(**GRIDS[d], **options)
    spread = LargeMap(result, **GRIDS[d], options=options).save(tmp_path / f"map{suffix}")
    found = read(tmp_path / f"map{suffix}")
    assert found.dtype == np.float32 and found.shape == whole.values.shape
    np.testing.assert_allclose(found, whole.values, rtol=3e-7)
    expected = Spread.of(whole)
    np.testing.assert_allclose([spread.least, spread.most, spread.unbounded, spread.extrapolated],
                               [expected.least, expected.most, expected.unbounded, expected.extrapolated], rtol=1e-6)


@pytest.mark.parametrize("block", [(1, 1, 270), (7, 64, 33), (21, 300, 270)])
def test_blocks_tile_the_volume(block: tuple[int, ...]) -> None:
    seen = np.zeros(GRIDS[3]["shape"], int)
    for start, part in LargeMap(made(model="rigid"), **GRIDS[3] | {"shape": (21, 40, 270)}).blocks(block):
        seen[tuple(slice(a, a + n) for a, n in zip(start, part.values.shape, strict=True))] += 1
    assert (seen[:, :40] == 1).all() and (seen[:, 40:] == 0).all()


@pytest.mark.parametrize("model", ["rigid", "affine"])
@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_memory_is_flat(tmp_path: Path, model: str, suffix: str) -> None:
    """Four times the planes, the same memory, far below that of the values."""
    peaks = []
    result = made(model=model)
    for depth in (24, 96):
        large = LargeMap(result, (depth, 500, 400))
        tracemalloc.start()
        large.save(tmp_path / f"{depth}{suffix}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    whole = 96 * 500 * 400 * 4
    assert peaks[1] < 1.25 * peaks[0] + 2**20
    assert peaks[1] < 0.4 * whole


def test_the_check_of_memory_sees_a_map_that_is_held() -> None:
    tracemalloc.start()
    held = made().error_map((96, 500, 400))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak > 0.4 * held.values.nbytes


def test_the_header_takes_no_memory() -> None:
    header = LargeMap(made(), (10**5, 10**5, 10**5)).header
    assert header.values.shape == (10**5,) * 3 and header.values.strides == (0, 0, 0)
    assert header.label == "TRE, r.m.s. (µm)"


# OME-Zarr


def test_an_ome_zarr_says_where_its_pixels_are(tmp_path: Path) -> None:
    path = tmp_path / "map.ome.zarr"
    LargeMap(made(), **GRIDS[3]).save(path)
    assert json.loads((path / ".zgroup").read_text()) == {"zarr_format": 2}
    attributes = json.loads((path / ".zattrs").read_text(encoding="utf-8"))
    (image,) = attributes["multiscales"]
    assert image["version"] == "0.4"
    assert image["axes"] == [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "zyx"]
    scale, translation = image["datasets"][0]["coordinateTransformations"]
    assert scale == {"type": "scale", "scale": [4.0, 0.7, 0.5]}
    assert translation == {"type": "translation", "translation": [1.0, 4.0, -3.0]}
    assert attributes["regerr"]["unit"] == "µm" and attributes["regerr"]["how"].startswith("affine model")
    window = attributes["omero"]["channels"][0]["window"]
    assert 0 < window["start"] < window["end"]
    assert json.loads((path / "0" / ".zarray").read_text())["dimension_separator"] == "/"


@pytest.mark.parametrize("d", [2, 3])
def test_every_level_is_the_map_on_its_own_pixels(tmp_path: Path, d: int) -> None:
    result = made(d)
    shape = (700, 1100) if d == 2 else (10, 300, 520)
    large = LargeMap(result, shape, 0.25, 5.0)
    large.save(tmp_path / "map.ome.zarr")
    group = zarr.open_group(str(tmp_path / "map.ome.zarr"), mode="r")
    datasets = group.attrs["multiscales"][0]["datasets"]
    assert len(datasets) == len(levels_of(large)) == (4 if d == 2 else 3)
    for k, dataset in enumerate(datasets):
        values = group[dataset["path"]][:]
        scale, translation = (np.array(t[t["type"]]) for t in dataset["coordinateTransformations"])
        np.testing.assert_allclose(scale, 0.25 * 2**k)
        np.testing.assert_allclose(translation, 5.0 + 0.125 * (2**k - 1))
        corner = np.array(values.shape) - 1
        place = (translation + scale * corner)[::-1]
        assert values[tuple(corner)] == pytest.approx(result.predict(place[None], "tre").rms[0], rel=1e-5)
    assert max(values.shape) <= 256


@pytest.mark.parametrize("d", [2, 3])
def test_a_map_that_is_held_is_written_too(tmp_path: Path, d: int) -> None:
    whole = made(d).error_map((700, 1100) if d == 2 else (10, 300, 520), 0.25, 5.0)
    whole.save(tmp_path / "map.ome.zarr")
    group = zarr.open_group(str(tmp_path / "map.ome.zarr"), mode="r")
    np.testing.assert_array_equal(group["0"][:], whole.values)
    for k, dataset in enumerate(group.attrs["multiscales"][0]["datasets"]):
        scale, translation = (np.array(t[t["type"]]) for t in dataset["coordinateTransformations"])
        corner = np.array(group[dataset["path"]].shape) - 1
        place = (translation + scale * corner)[::-1]
        np.testing.assert_allclose(scale, 0.25 * 2**k)
        assert group[dataset["path"]][tuple(corner)] == pytest.approx(whole.at(place[None])[0], rel=1e-6)
    with pytest.raises(InputError, match="already exists"):
        whole.save(tmp_path / "map.ome.zarr")


def test_infinite_radii_stay_infinite_and_are_counted(tmp_path: Path) -> None:
    result = thin()
    grid: dict[str, Any] = {"shape": (60, 200), "spacing": (1.0, 0.5), "origin": (-50.0, -15.0)}
    whole = result.error_map(**grid, quantity="radius")
    spread = LargeMap(result, **grid, options={"quantity": "radius"}).save(tmp_path / "map.ome.zarr")
    np.testing.assert_array_equal(np.isinf(read(tmp_path / "map.ome.zarr")), np.isinf(whole.values))
    assert spread.unbounded == np.isinf(whole.values).mean()


# Complete or not there


@pytest.mark.parametrize("name", ["map.ome.tif", "map.ome.zarr"])
def test_an_interrupted_map_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    block, calls = LargeMap.block, []

    def stopped(self: LargeMap, *place: Any) -> Any:
        calls.append(place)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return block(self, *place)

    monkeypatch.setattr(LargeMap, "block", stopped)
    with pytest.raises(KeyboardInterrupt):
        LargeMap(made(), **GRIDS[3]).save(tmp_path / name)
    assert len(calls) == 4 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["map.ome.tif", "map.ome.zarr"])
def test_an_interrupted_rewrite_leaves_the_old_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    grid = GRIDS[2]
    LargeMap(made(2), **grid).save(tmp_path / name)
    before = read(tmp_path / name)
    with monkeypatch.context() as patch:
        patch.setattr(LargeMap, "block", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            LargeMap(made(2, "rigid"), **grid).save(tmp_path / name, force=True)
    np.testing.assert_array_equal(read(tmp_path / name), before)
    LargeMap(made(2, "rigid"), **grid).save(tmp_path / name, force=True)
    assert (read(tmp_path / name) != before).any()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_exists_is_kept(tmp_path: Path) -> None:
    large = LargeMap(made(2), (5, 6))
    folder = tmp_path / "data.zarr"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    for force, words in ((False, "already exists"), (True, "no OME-Zarr and is left alone")):
        with pytest.raises(InputError, match=words):
            large.save(folder, force=force)
    assert (folder / "thesis.txt").read_text() == "mine"
    with pytest.raises(InputError, match=r"ends in '\.nii'"):
        large.save(tmp_path / "map.nii")
    with pytest.raises(InputError, match="cannot write"):
        large.save(tmp_path / "nowhere" / "map.ome.zarr")


@pytest.mark.parametrize(("shape", "options", "words"), [((5, 6, 7), {}, "shape is"), ((5, 0), {}, "shape is"),
                                                         ((5, 6), {"kind": "x"}, "the kind is"),
                                                         ((5, 6), {"level": 0.9}, "has none")])
def test_bad_arguments_are_refused_at_once(shape: tuple[int, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        LargeMap(made(2), shape, options=options)


# The command


def test_the_command_writes_values_and_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    table = tmp_path / "beads.csv"
    result = made(3)
    both = np.hstack([result.pairs.source, result.pairs.target])
    rows = "\n".join(",".join(f"{v:.5f}" for v in row) for row in both)
    table.write_text("x_source (nm),y_source (nm),z_source (nm),x_target (nm),y_target (nm),z_target (nm)\n" + rows)
    outputs = [tmp_path / name for name in ("map.ome.zarr", "map.ome.tif", "map.png")]
    arguments = ["map", str(table), "--model", "affine", "--size", "40x30x20", "--spacing", "2.5",
                 *(part for path in outputs for part in ("--output", str(path)))]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    assert run.output.count("Wrote") == 3 and "over 40 x 30 x 20 pixels of 2.50 x 2.50 x 2.50 nm" in run.output
    np.testing.assert_array_equal(read(outputs[0]), read(outputs[1]))
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2 and "map.ome.zarr already exists" in " ".join(again.stderr.split())
    assert CliRunner().invoke(app, [*arguments, "--force"]).exit_code == 0


def test_a_picture_of_a_large_map_is_made_from_larger_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "_PICTURED", 20000)
    large = LargeMap(made(2), (310, 270), (0.5, 0.7), (-3.0, 4.0))
    shown = grids._whole(large)
    assert shown.values.size <= 20000
    place = np.array(shown.origin) + np.array(shown.spacing) * [20, 10]
    assert shown.values[10, 20] == pytest.approx(large.result.predict(place[None], "tre").rms[0], rel=1e-6)
    np.testing.assert_allclose(np.array(shown.origin) - 0.5 * np.array(shown.spacing), [-3.25, 3.65])  # the same corner


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_quiet_where_no_one_watches() -> None:
    stream = io.StringIO()
    assert list(watched(range(5), "Map", stream=stream, patience=0.0)) == list(range(5))
    assert stream.getvalue() == ""


def test_progress_is_a_line_that_goes_away() -> None:
    stream = Terminal()
    assert list(watched(iter(range(4)), "Map", 4, stream, patience=-1.0)) == list(range(4))
    shown = stream.getvalue()
    assert "Map: " in shown and "\n" not in shown
    assert shown.endswith("\r") and not shown.rstrip("\r").rpartition("\r")[2].strip()


def test_progress_waits_and_cleans_up_when_stopped() -> None:
    quiet, stream = Terminal(), Terminal()
    list(watched(range(3), "Map", stream=quiet))
    assert quiet.getvalue() == ""
    items = watched(range(3), "Map", stream=stream, patience=-1.0)
    next(items)
    items.close()  # as an interrupt does
    assert stream.getvalue().endswith("\r")
