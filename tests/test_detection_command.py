"""The command ``regerr detect`` and the reading of images, end to end on simulated files, and on files that are none."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from regerr import InputError, MissingExtraError, detect, read_image, read_points
from regerr.cli import app
from regerr.detection import Camera

DATA = Path(str(files("regerr") / "data"))
LIGHT, ELECTRON = DATA / "simulated_light.ome.tif", DATA / "simulated_electron.ome.tif"


def command(*arguments: object):
    return CliRunner().invoke(app, ["detect", *map(str, arguments)])


def test_spots_of_a_file_are_written_and_said(tmp_path):
    out = tmp_path / "spots.csv", tmp_path / "spots.json"
    done = command(LIGHT, "--camera", "2.1,100,1.6", "--output", out[0], "--output", out[1])
    assert done.exit_code == 0 and "18 bright spots in 2D" in done.output and "Saved as" in done.output
    read, held = read_points(out[0]), json.loads(out[1].read_text())
    assert read.unit == "µm" and len(read.points) == 18 == len(held["spots"])
    assert np.allclose(read.points, [row["point"] for row in held["spots"]]) and read.covariance is not None
    refused = command(LIGHT, "--output", out[0])
    assert refused.exit_code == 2 and "already exists" in refused.output
    assert command(LIGHT, "--output", out[0], "--force").exit_code == 0


def test_a_table_of_spots_holds_what_a_rule_of_quality_needs(tmp_path):
    """And reads back without a word, as it did without those columns."""
    image = read_image(LIGHT)
    spots = detect(image.pixels, image.spacing, unit=image.unit, camera=Camera(2.1, 100.0, 1.6)).single(apart=1.7)
    assert spots.unused and len(spots) > 8
    spots.save(tmp_path / "s.csv")
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["used"] == "true" for row in rows[:len(spots)]) and len(rows) == len(spots) + len(spots.unused)
    for header, values in {"photons": spots.photons, "background": spots.background, "significance": spots.significance,
                           "misfit": spots.misfit, "nearest [µm]": spots.nearest, "size_x [µm]": spots.size[:, 0],
                           "size_y [µm]": spots.size[:, 1]}.items():
        assert [float(row[header]) for row in rows[:len(spots)]] == values.tolist()
        assert all(row[header] == "" for row in rows[len(spots):])
    read = read_points(tmp_path / "s.csv")  # warnings are errors here
    assert np.array_equal(read.points, spots.points) and (read.names, read.unused) == (spots.names, spots.unused)
    assert (read.unit, read.origin) == ("µm", "centre") and read.covariance is not None
    assert np.allclose(np.einsum("nii->ni", read.covariance), spots.sd**2, rtol=1e-12)


def test_spots_are_single_by_a_rule():
    image = read_image(LIGHT)
    spots = detect(image.pixels, image.spacing, unit=image.unit, camera=Camera(2.1, 100.0, 1.6))
    apart, misfit = float(np.median(spots.nearest)), float(np.quantile(spots.misfit, 0.7))
    near, poor = spots.nearest < apart, spots.misfit > misfit
    assert (near & poor).any() and (near & ~poor).any() and (poor & ~near).any()
    left = spots.single(apart=apart, misfit=misfit)
    kept = np.flatnonzero(~(near | poor))
    assert left.names == tuple(spots.names[i] for i in kept) and np.array_equal(left.photons, spots.photons[kept])
    assert np.array_equal(left.nearest, spots.nearest[kept])  # to all that were found, whatever became of them
    gone = {u.name: u.reason for u in left.unused[len(spots.unused):]}
    one = f"it is nearer than {apart} µm to another spot"
    other = f"it differs from its model by more than {misfit} of its height"
    assert gone == {name: " and ".join([*([one] if a else []), *([other] if b else [])])
                    for name, a, b in zip(spots.names, near, poor, strict=True) if a or b}
    assert left.single(apart=apart, misfit=misfit).names == left.names  # once is enough
    for first, then in (({"apart": apart}, {"misfit": misfit}), ({"misfit": misfit}, {"apart": apart})):
        assert spots.single(**first).single(**then).names == left.names
    assert len(spots.single(misfit=1e9)) == len(spots) and len(spots[:1].single(apart=1e9)) == 1


@pytest.mark.parametrize(("rule", "words"), [
    ({}, "nothing says which spots to keep"), ({"apart": 0.0}, "apart is 0.0: give a positive number"),
    ({"misfit": -0.1}, "misfit is -0.1"), ({"apart": float("nan"), "misfit": float("inf")}, "apart is nan.*; misfit is inf"),
])
def test_rules_that_are_none(rule, words):
    with pytest.raises(InputError, match=words):
        detect(read_image(LIGHT).pixels).single(**rule)


def test_the_command_takes_the_rule(tmp_path):
    done = command(LIGHT, "--camera", "2.1,100,1.6", "--apart", "1.7", "--misfit", "0.04", "--output", tmp_path / "s.csv")
    assert done.exit_code == 0, done.output
    image = read_image(LIGHT)
    spots = detect(image.pixels, image.spacing, unit=image.unit, camera=Camera(2.1, 100.0, 1.6)).single(apart=1.7, misfit=0.04)
    read = read_points(tmp_path / "s.csv")
    assert read.names == spots.names and read.unused == spots.unused and 0 < len(spots) < 18
    text = " ".join(done.output.split())
    assert f"{len(spots)} bright spots in 2D" in text and "because it is nearer than 1.7 µm to another spot" in text
    none = command(LIGHT, "--apart", "1000", "--output", tmp_path / "none.csv")
    assert none.exit_code == 0 and "0 bright spots" in none.output
    with pytest.raises(InputError, match="it holds no point to use"):
        read_points(tmp_path / "none.csv")


def test_dark_discs_and_json(tmp_path):
    done = command(ELECTRON, "--dark", "--profile", "disc", "--camera", "1,10,1", "--json")
    held = json.loads(done.output)
    assert done.exit_code == 0 and held["profile"] == "disc" and not held["bright"] and len(held["spots"]) >= 19


def test_options_reach_the_detector():
    done = command(LIGHT, "--spacing", "100", "--unit", "nm", "--spot-sd", "130", "--plane", 2, "--threshold", 8, "--tilted",
                   "--reach", 4, "--json")
    held = json.loads(done.output)
    assert held["unit"] == "nm" and held["plane"] == 2 and held["threshold"] == 8.0
    image = read_image(LIGHT)
    same = detect(image.pixels, 100.0, unit="nm", spot_sd=130.0, plane=2, threshold=8.0, tilted=True, reach=4.0)
    assert np.allclose([row["point"] for row in held["spots"]], same.points)


@pytest.mark.parametrize(("options", "words"), [
    (["--camera", "1"], "--camera is '1'"), (["--camera", "a,b"], "--camera is 'a,b'"), (["--spacing", "x"], "--spacing is 'x'"),
    (["--apart", "0"], "apart is 0.0"), (["--misfit", "x"], "--misfit"),
    (["--unit", "nm"], "give the size of a voxel with --spacing"), (["--page", 7], "page is 7"), (["--page", -1], "page is -1"),
    (["--profile", "star"], "profile is 'star'"), (["--output", "spots.txt"], "give .csv"), (["--spacing", "0"], "spacing is 0"),
])
def test_faults_are_one_sentence(options, words):
    failed = command(LIGHT, *options)
    assert failed.exit_code == 2 and words in " ".join(failed.output.split()) and "Traceback" not in failed.output


# Files


def test_a_volume_keeps_its_pixel_size_and_pages_can_be_chosen(tmp_path):
    volume = np.arange(4 * 6 * 7, dtype=np.uint16).reshape(4, 6, 7)
    sizes = {f"PhysicalSize{a}": s for a, s in zip("XYZ", (0.1, 0.2, 0.5), strict=True)}
    tifffile.imwrite(tmp_path / "v.ome.tif", volume, ome=True, photometric="minisblack", metadata={"axes": "ZYX", **sizes})
    read = read_image(tmp_path / "v.ome.tif")
    assert np.array_equal(read.pixels, volume) and read.spacing == (0.1, 0.2, 0.5) and read.unit == "µm"
    flat = read_image(tmp_path / "v.ome.tif", 2)
    assert np.array_equal(flat.pixels, volume[2]) and flat.spacing == (0.1, 0.2)
    tifffile.imwrite(tmp_path / "c.ome.tif", volume, ome=True, photometric="minisblack", metadata={"axes": "CYX"})
    with pytest.raises(InputError, match=r"holds several images \(4 along 'C'\): choose one with --page, 0 to 3"):
        read_image(tmp_path / "c.ome.tif")
    assert np.array_equal(read_image(tmp_path / "c.ome.tif", 1).pixels, volume[1])
    tifffile.imwrite(tmp_path / "plain.tif", volume[0])
    assert read_image(tmp_path / "plain.tif").unit == "px" and read_image(tmp_path / "plain.tif").spacing == (1.0, 1.0)


def test_an_image_of_an_hdf5_file_is_found_or_asked_for(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["Acquisition0/ImageData/Image"] = np.ones((1, 1, 1, 20, 30))
        file["scale"] = 3.0
    assert read_image(tmp_path / "one.h5").pixels.shape == (20, 30)
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["a"], file["b"] = np.ones((20, 30)), np.zeros((20, 30))
    with pytest.raises(InputError, match=r"holds 2 images: choose one with --page \(0 a, 1 b\)"):
        read_image(tmp_path / "two.h5")
    assert not read_image(tmp_path / "two.h5", 1).pixels.any()
    with h5py.File(tmp_path / "none.h5", "w") as file:
        file["a"] = "text"
    with pytest.raises(InputError, match="holds no image"):
        read_image(tmp_path / "none.h5")


@pytest.mark.filterwarnings("ignore")
def test_files_that_are_no_images_are_refused(tmp_path):
    """Text, nothing, a folder, and a good file cut off or spoilt in two hundred ways: a sentence or an image, nothing else."""
    whole = LIGHT.read_bytes()
    rng = np.random.default_rng(0)
    spoilt = [b"", b"x,y\n1,2\n", b"II*\x00", b"\x89HDF\r\n\x1a\n" + bytes(50)]
    spoilt += [whole[: int(n)] for n in rng.integers(8, len(whole), 100)]
    for _ in range(100):
        damaged = bytearray(whole)
        for at in rng.integers(4, 3000, 20):
            damaged[at] = rng.integers(0, 256)
        spoilt.append(bytes(damaged))
    said = []
    for content in spoilt:
        (tmp_path / "bad.tif").write_bytes(content)
        try:
            read_image(tmp_path / "bad.tif")
        except (InputError, MissingExtraError) as fault:
            said.append(str(fault))
    assert len(said) > 50 and all("bad.tif" in words and "\n" not in words for words in said)
    for path in (tmp_path, tmp_path / "missing.tif"):
        with pytest.raises(InputError, match="cannot be read"):
            read_image(path)
