"""Generated images of beads: what is drawn is what the formulas say, the noise is that of the camera, files carry the truth."""

from __future__ import annotations

import io
import json
import math
from importlib.resources import files

import numpy as np
import pytest
import tifffile
import typer
from scipy.integrate import nquad
from scipy.spatial import cKDTree
from typer.testing import CliRunner

from regerr import Camera, InputError, detect, read_image
from simulations.cli import app
from simulations.images import Beads, Correlated, Electron, Field, Light
from simulations.images.drawing import structure
from simulations.images.example import contents
from simulations.images.scene import placed, seen

QUIET = Camera(1.0, 0.0, 0.0)


def command(*arguments: object):
    main = typer.Typer()
    main.add_typer(app, name="simulate")
    main.command("other")(lambda: None)
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


# What is drawn


@pytest.mark.parametrize(("shape", "spacing", "sd"), [((15, 17), 1.0, 1.3), ((15, 17), (0.1, 0.2), 0.2),
                                                      ((9, 11, 13), (0.1, 0.1, 0.25), (0.13, 0.13, 0.3))])
def test_a_spot_is_the_integral_of_a_gaussian_over_each_voxel(shape, spacing, sd):
    field = Field(shape, spacing)
    point = field.sides * np.array([0.47, 0.55, 0.52][: field.dimension])
    image, amounts = Light(700.0, sd, 3.0).expected(np.random.default_rng(1), point[None], field)
    assert amounts == pytest.approx([700.0])
    s = np.broadcast_to(sd, (field.dimension,))

    def density(*x: float) -> float:
        return math.prod(math.exp(-0.5 * ((v - p) / w) ** 2) / (w * math.sqrt(2 * math.pi))
                         for v, p, w in zip(x, point, s, strict=True))

    for index in (tuple(n // 2 for n in shape), tuple(n // 2 + 2 for n in shape)):
        centre = np.array(index[::-1]) * field.steps
        sides = [(c - w / 2, c + w / 2) for c, w in zip(centre, field.steps, strict=True)]
        share = nquad(density, sides, opts={"epsabs": 1e-10})[0]
        assert image[index] == pytest.approx(3.0 + 700.0 * share, rel=1e-6)


def test_photons_add_up_to_those_of_the_beads():
    made = Beads(20, Light((100.0, 5000.0), 1.3, 2.0, camera=QUIET), Field((128, 128))).sample(np.random.default_rng(2))
    assert made.expected.sum() - 2.0 * made.expected.size == pytest.approx(made.amounts.sum(), rel=1e-3)


@pytest.mark.parametrize("shape", [(41, 41), (41, 41, 41)])
def test_a_disc_takes_its_area_and_a_ball_its_volume(shape):
    d = len(shape)
    law = Electron(6.0, spread=0.0, depth=0.5, dose=100.0, edge=0.5, contrast=0.0)
    image, amounts = law.expected(np.random.default_rng(0), np.full((1, d), 20.3), Field(shape))
    lost = (100.0 - image).sum() / 50.0
    assert lost == pytest.approx(math.pi * (36 + 0.25) if d == 2 else 4 / 3 * math.pi * (216 + 3 * 6 * 0.25), rel=2e-3)
    assert amounts == pytest.approx([-50.0]) and image.min() == pytest.approx(50.0)


# Noise


def test_counts_have_the_mean_and_variance_of_the_camera():
    camera, photons = Camera(2.5, 120.0, 3.0), 40.0
    counts = camera.sample(np.random.default_rng(3), np.full(200_000, photons))
    variance = 2.5**2 * (photons + 9.0)
    assert counts.mean() == pytest.approx(120.0 + 2.5 * photons, abs=4 * math.sqrt(variance / counts.size))
    assert counts.var() == pytest.approx(variance, abs=4 * variance * math.sqrt(2.1 / counts.size))
    assert camera.variance().at(np.array(counts.mean())) == pytest.approx(variance, rel=1e-2)
    assert camera.variance(rounded=True).constant - camera.variance().constant == pytest.approx(1 / 12)


def test_structure_has_mean_one_and_the_contrast_and_length_that_were_asked_for():
    rng = np.random.default_rng(4)
    fields = [structure(rng, (256, 256), np.array([8.0, 8.0]), 0.3) for _ in range(6)]
    for field in fields:
        assert field.mean() == pytest.approx(1.0) and np.log(field).std() == pytest.approx(0.3) and field.min() > 0
    logs = [np.log(f) - np.log(f).mean() for f in fields]
    near, far = (np.mean([(f * np.roll(f, k, 0)).mean() / f.var() for f in logs]) for k in (8, 64))
    assert near == pytest.approx(math.exp(-0.25), abs=0.06) and abs(far) < 0.15
    assert np.array_equal(structure(rng, (8, 8), np.ones(2), 0.0), np.ones((8, 8)))


def test_beads_keep_their_distance_and_do_not_fit_where_there_is_no_room():
    points = placed(np.random.default_rng(5), 50, np.zeros(2), np.full(2, 100.0), 5.0)
    gaps = np.linalg.norm(points[:, None] - points, axis=-1)[np.triu_indices(50, 1)]
    assert points.shape == (50, 2) and gaps.min() >= 5.0
    with pytest.raises(InputError, match="50 beads 50 apart do not fit"):
        placed(np.random.default_rng(5), 50, np.zeros(2), np.full(2, 100.0), 50.0)


# Two images of the same beads


@pytest.mark.parametrize("fields", [(Field((128, 128)), Field((256, 256))),
                                    (Field((16, 96, 96), (1, 1, 2)), Field((24, 128, 128), (1, 1, 2)))])
def test_shared_beads_are_mapped_by_the_transformation(fields):
    law = Correlated(6, Light(spot_sd=1.3), Electron(2.0), *fields, scale=1.1, only_source=2, only_target=3, apart=8.0)
    pair = law.sample(np.random.default_rng(6))
    assert pair.shared == tuple(f"bead {i + 1}" for i in range(6))
    source, target = (dict(zip(i.names, i.points, strict=True)) for i in (pair.source, pair.target))
    assert len(source) == 8 and len(target) == 9
    for name in pair.shared:
        assert np.allclose(pair.transform.apply(source[name][None])[0], target[name])
    for image in (pair.source, pair.target):
        assert (image.points >= 0).all() and (image.points <= image.field.sides).all() and image.counts.dtype == np.uint16


def test_the_same_generator_gives_the_same_image_and_another_does_not():
    a, b, c = (Beads(5, Light()).sample(np.random.default_rng(seed)).counts for seed in (1, 1, 2))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


# Files


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_command_writes_images_with_pixel_size_and_their_truth(tmp_path, dimension):
    done = command("images", "--dimension", dimension, "--n", 6, "--seed", 3, "--output", tmp_path / "made")
    assert done.exit_code == 0 and "truth.json" in done.output
    truth = json.loads((tmp_path / "made" / "truth.json").read_text())
    assert "no microscope" in truth["made_by"]
    for name in ("source", "target"):
        image, told = read_image(tmp_path / "made" / f"{name}.ome.tif"), truth[name]
        assert list(image.pixels.shape) == told["shape"] and image.unit == told["unit"] == "µm"
        assert image.spacing == pytest.approx(told["spacing"]) and len(told["points"]) == len(told["names"]) == 9
        with tifffile.TiffFile(tmp_path / "made" / f"{name}.ome.tif") as tiff:
            assert tiff.is_ome
    again = command("images", "--dimension", dimension, "--n", 6, "--seed", 3, "--output", tmp_path / "again")
    assert again.exit_code == 0
    for path in (tmp_path / "made").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


@pytest.mark.parametrize(("arguments", "words"), [
    (["--n", 0], "--n is 0"), (["--photons", -1], "--photons is -1"), (["--dimension", 4], "dimension is 4"),
    (["--only-source", -1], "--only-source is -1"), (["--structure", "nan"], "--structure holds NaN"),
    (["--seed", -1], "--seed is -1"), (["--n", 400], "do not fit into both fields"),
])
def test_faults_are_one_sentence_and_write_nothing(tmp_path, arguments, words):
    failed = command("images", *arguments, "--output", tmp_path / "out")
    assert isinstance(failed.exception, InputError) and words in str(failed.exception)
    assert "\n" not in str(failed.exception) and not list(tmp_path.iterdir())


def test_points_are_still_simulated_and_a_folder_is_asked_for(tmp_path):
    assert command("--output", tmp_path / "points").exit_code == 0
    refused = command("--n", 5)
    assert isinstance(refused.exception, InputError) and "--output is missing" in str(refused.exception)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Field((4, 100)), "a side of the field is 4"), (lambda: Field((100,)), "shape of the field"),
    (lambda: Field((9, 9), (1.0, -1.0)), "spacing is -1"), (lambda: Light((10.0, 5.0)), "photons is"),
    (lambda: Light(spot_sd=0.0), "spot_sd is 0"), (lambda: Electron(depth=1.5), "depth is 1.5"),
    (lambda: Electron(radius=-1.0), "radius is -1"), (lambda: Beads(-1, Light()), "n is -1"),
    (lambda: Correlated(source_field=Field((9, 9, 9))), "the source field is 3D"), (lambda: Camera(0.0), "gain is 0.0"),
    (lambda: Camera(1.0, math.nan), "offset is nan"), (lambda: Camera(1.0, 0.0, -1.0), "read_noise is -1.0"),
])
def test_a_generator_refuses_what_it_cannot_make(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_no_bead_is_an_image_too():
    made = seen(np.random.default_rng(0), np.empty((0, 2)), Light(camera=QUIET), Field((32, 32)))
    assert made.counts.mean() == pytest.approx(10, abs=4 * math.sqrt(10 / 32**2))


# The example that is shipped


def test_the_shipped_example_is_what_the_generator_makes_and_says_so():
    folder = files("regerr") / "data"
    for name, content in contents().items():
        held = (folder / name).read_bytes()
        if isinstance(content, bytes):  # other versions of the compressor may pack the same pixels otherwise
            with tifffile.TiffFile(io.BytesIO(held)) as old, tifffile.TiffFile(io.BytesIO(content)) as new:
                assert np.array_equal(old.asarray(), new.asarray())
        else:
            old, new = json.loads(held), json.loads(content)
            assert "no microscope" in held.decode() and old["shared"] == new["shared"] and old["options"] == new["options"]
            for side in ("source", "target"):
                for field in ("points", "amounts", "spacing"):  # the last digit depends on the processor
                    np.testing.assert_allclose(old[side][field], new[side][field], rtol=1e-12)
    assert sum((folder / name).stat().st_size for name in contents()) < 200_000


def test_the_beads_of_the_shipped_example_are_found():
    truth = json.loads((files("regerr") / "data" / "simulated_images.json").read_text(encoding="utf-8"))
    for name, side, options in (("light", "source", {}), ("electron", "target", {"bright": False, "profile": "disc"})):
        image, told = read_image(str(files("regerr") / "data" / f"simulated_{name}.ome.tif")), truth[side]
        spots = detect(image.pixels, image.spacing, unit=image.unit, camera=Camera(**told["camera"]), **options)
        distance, index = cKDTree(spots.points).query(np.array(told["points"]))
        assert distance.max() < 0.04 and len(set(index.tolist())) == len(told["points"]) >= len(spots) - 1
