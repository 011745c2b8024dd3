"""Detection of beads against the truth of simulated images: laws, precision over the bound, covariances, faults."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from regerr import Camera, InputError, detect, read_points
from regerr.detection import scatter
from regerr.detection.bending import excess_share, sharpness_and_bend
from regerr.detection.bounds import disc_bound, gaussian_bound
from regerr.detection.camera import Variance
from regerr.detection.groups import common_size, faint_group
from regerr.detection.likelihood import Found, Model, Windows, fit
from regerr.detection.profiles import Disc, Gaussian
from regerr.detection.spots import Spots
from simulations import maximum_likelihood_variance
from simulations.images import BeadImage, Beads, Electron, Field, Light
from simulations.images.scene import seen

CAMERA = Camera(2.0, 100.0, 1.5)
CASES = {
    "2D": Beads(25, Light((800.0, 4000.0), 1.3, 10.0, camera=CAMERA), Field((128, 128)), 12.0),
    "2D, micrometres": Beads(25, Light((800.0, 4000.0), 0.13, 10.0, camera=CAMERA), Field((128, 150), 0.1, "µm"), 1.2),
    "3D": Beads(12, Light((800.0, 4000.0), (1.3, 1.3, 2.0), 2.0, camera=CAMERA), Field((32, 80, 80)), 14.0),
    "3D, long voxels": Beads(12, Light((800.0, 4000.0), (0.13, 0.13, 0.35), 2.0, camera=CAMERA),
                             Field((20, 80, 80), (0.1, 0.1, 0.25), "µm"), 1.5),
    "dark discs": Beads(15, Electron(contrast=0.0), Field((160, 160)), 22.0),
    "dark balls": Beads(8, Electron(contrast=0.0, radius=3.0), Field((40, 64, 64)), 16.0),
}


def look(made: BeadImage, **options: object) -> Spots:
    """What a user would do."""
    dark = bool(made.amounts[0] < 0)
    told = {"spacing": made.field.spacing, "unit": made.field.unit, "camera": made.camera, "bright": not dark,
            "profile": "disc" if dark else "gaussian"}
    return detect(made.counts, **(told | options))


def deviations(made: BeadImage, spots: Spots, within: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Deviation of each bead found, and the index of its spot."""
    distance, index = cKDTree(spots.points).query(made.points)
    near = distance < within * float(np.max(made.field.steps))
    return (spots.points[index] - made.points)[near], index[near]


def squares(deviation: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """``e' C^-1 e``: chi-square on d when the covariance is right."""
    return np.einsum("ni,nij,nj->n", deviation, np.linalg.inv(covariance), deviation)


@pytest.fixture(scope="module")
def made() -> dict[str, BeadImage]:
    return {name: law.sample(np.random.default_rng(7)) for name, law in CASES.items()}


# Truth


@pytest.mark.parametrize("case", CASES)
def test_all_beads_are_found_where_they_are_and_nothing_else(made, case):
    image = made[case]
    spots = look(image)
    deviation, index = deviations(image, spots)
    assert len(deviation) == len(image.points) == len(spots) and len(set(index.tolist())) == len(index)
    size = squares(deviation, spots.covariance[index])
    d = spots.dimension
    assert size.mean() == pytest.approx(d, abs=4 * math.sqrt(2 * d / len(size)))  # chi-square
    assert spots.unit == image.field.unit and spots.pooled_misfit == 0.0
    assert np.median(spots.photons[index] / image.amounts) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("photons", "background", "shape", "sd"), [
    (400.0, 10.0, (360, 360), 1.3), (2000.0, 1.0, (360, 360), 1.3), (1000.0, 2.0, (40, 128, 128), (1.3, 1.3, 2.0))])
def test_precision_meets_the_bound_and_the_covariance_what_is_seen(photons, background, shape, sd):
    """Within the declared 5 and 10 per cent plus three standard errors over images; a covariance halved fails."""
    law = Beads(60 if len(shape) == 2 else 30, Light(photons, sd, background, camera=CAMERA), Field(shape), 16.0, False)
    over, told = [], []
    for seed in range(8):
        image = law.sample(np.random.default_rng([seed, 11]))
        spots = look(image)
        deviation, index = deviations(image, spots)
        assert len(deviation) == len(image.points)
        bound = gaussian_bound(image.points, image.amounts, background, sd, CAMERA)
        over.append(squares(deviation, bound).mean() / len(shape))
        told.append(squares(deviation, spots.covariance[index]).mean() / len(shape))
    ratio, error = np.sqrt(np.mean(over)), np.std(over, ddof=1) / math.sqrt(8) / 2
    assert 1.0 - 3 * error < ratio < 1.05 + 3 * error
    seen, error = float(np.mean(told)), float(np.std(told, ddof=1)) / math.sqrt(8)
    assert abs(seen - 1.0) < 0.1 + 3 * error
    assert not abs(seen / 0.5 - 1.0) < 0.1 + 3 * error / 0.5


def shares(pixels: np.ndarray, centre: float, sd: float) -> np.ndarray:
    """Share of a Gaussian in each pixel along one axis."""
    edges = [[math.erf((k + side - centre) / (sd * math.sqrt(2))) for side in (-0.5, 0.5)] for k in pixels]
    return np.array([0.5 * (high - low) for low, high in edges])


def test_the_bound_is_that_of_the_theory_sheet_and_of_a_naive_sum():
    """S.d. .0421 and .0563 px for 1000 photons, background 0 and 10, s.d. 1.3 px; the published formula within 1 %."""
    position = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 2))
    for background, expected in ((1e-9, 0.0421), (10.0, 0.0563)):
        sd = np.sqrt(gaussian_bound(position, np.full(50, 1000.0), background, 1.3)[:, 0, 0])
        assert sd.mean() == pytest.approx(expected, abs=1.5e-4)
        assert sd.mean() == pytest.approx(math.sqrt(maximum_likelihood_variance(1000.0, 1.3, 1.0, background)), rel=0.01)
    x, h = np.arange(-12, 13.0), 1e-4

    def mean(t: np.ndarray) -> np.ndarray:
        parts = [shares(x, c, t[4]) for c in t[:2]]
        return (t[2] * parts[1][:, None] * parts[0] + t[3]).ravel()

    theta = np.array([0.2, -0.3, 500.0, 4.0, 1.3])
    slopes = np.stack([(mean(theta + h * e) - mean(theta - h * e)) / (2 * h) for e in np.eye(5)])
    information = (slopes / (mean(theta) + 1.5**2)) @ slopes.T
    ours = gaussian_bound(theta[None, :2], np.array([500.0]), 4.0, 1.3, CAMERA)[0]
    assert np.allclose(ours, np.linalg.inv(information)[:2, :2], rtol=1e-3, atol=1e-7)


def test_the_fit_is_the_maximum_of_the_likelihood():
    """Against a general minimiser of the shifted Poisson likelihood of one bead."""
    law = Beads(1, Light(900.0, 1.3, 5.0, camera=CAMERA), Field((21, 21)), rounded=False)
    image = one_bead(law)
    spots = detect(image.counts, camera=CAMERA, spot_sd=1.3, reach=6.0)
    read = CAMERA.read_noise**2
    photons = (image.counts - CAMERA.offset) / CAMERA.gain
    k = np.arange(21.0)

    def unlikely(t: np.ndarray) -> float:
        parts = [shares(k, c, 1.3) for c in t[:2]]
        shifted = t[2] * 100 * parts[1][:, None] * parts[0] + t[3] + read
        return float((shifted - (photons + read) * np.log(np.maximum(shifted, 1e-9))).sum())

    best = minimize(unlikely, [10.0, 10.0, 9.0, 5.0], method="Nelder-Mead",
                    options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 4000})
    assert np.allclose(spots.points[0], best.x[:2], atol=2e-3)
    assert spots.photons[0] == pytest.approx(100 * best.x[2], rel=2e-3)
    assert spots.background[0] == pytest.approx(best.x[3], rel=5e-3)


def one_bead(law: Beads) -> BeadImage:
    return seen(np.random.default_rng(5), np.array([[10.2, 9.7]]), law.modality, law.field, rounded=False)


def test_without_a_camera_spots_tell_how_photons_scatter(monkeypatch):
    """The bound is met where least squares, the control, pays for taking bright pixels at their word."""
    law = Beads(100, Light(10_000.0, 1.3, 10.0, camera=CAMERA), Field((400, 400)), 16.0)

    def over() -> tuple[float, float]:
        rows = []
        for seed in range(8):
            image = law.sample(np.random.default_rng(seed))
            deviation, index = deviations(image, detect(image.counts))
            assert len(index) == len(image.points)
            rows.append(squares(deviation, gaussian_bound(image.points, image.amounts, 10.0, 1.3, CAMERA)).mean() / 2)
        return float(np.mean(rows)), float(np.std(rows, ddof=1) / math.sqrt(8))

    ratio, error = over()
    assert ratio < 1.05**2 + 3 * error
    monkeypatch.setattr(scatter, "_suffices", lambda *_: False)
    ratio, error = over()
    assert ratio > 1.05**2 + 3 * error


def test_discs_meet_their_bound():
    over = []
    for seed in range(6):
        law = Beads(30, Electron(contrast=0.0, spread=0.0), Field((256, 256)), 24.0, False)
        image = law.sample(np.random.default_rng([seed, 3]))
        deviation, index = deviations(image, look(image))
        bound = disc_bound(image.points, image.amounts, 60.0, 4.0, 0.7, image.camera)
        assert len(index) == 30
        over.append(squares(deviation, bound).mean() / 2)
    assert math.sqrt(np.mean(over)) < 1.05 + 3 * np.std(over, ddof=1) / math.sqrt(6) / 2


# Faint spots

ROUND = Gaussian((1.0, 1.0, 1.0), (0, 0, 0))
LONG = Gaussian((1.0, 1.0, 1.0), (1, 0, 0))
BOX = (np.arange(-6, 7.0), np.arange(-4, 5.0), np.arange(-4, 5.0))


def fitted(profile: Gaussian, size: list[float], photons: float, background: float, variance: Variance, fixed: bool, n: int,
           ) -> tuple[Found, Windows, np.ndarray]:
    """Spots in windows of their own, fitted from the truth on, and the true places."""
    rng = np.random.default_rng(31)
    place, sizes = rng.uniform(-0.5, 0.5, (n, 3)), np.tile(size, (n, 1))
    mean = background + photons * profile.evaluate(BOX, place, sizes)[0]
    noise = rng.poisson(mean) - mean if variance.slope else 0.0
    seen = mean + noise + math.sqrt(variance.constant) * rng.standard_normal(mean.shape)
    windows = Windows(BOX, seen, np.ones_like(mean), np.zeros_like(mean))
    found = fit(Model(profile, fixed), windows, variance, place.copy(), np.full(n, photons), np.full(n, background), sizes)
    return found, windows, place


def test_the_second_order_is_part_of_the_covariance_of_faint_spots():
    """At a signal 7 times the noise in 3D squared errors are 1 + 5/49 times those told; the next order is the square of that."""
    photons = 7.0 / math.sqrt((ROUND.evaluate(BOX, np.zeros((1, 3)), np.array([[1.3]]))[0] ** 2).sum())
    found, windows, place = fitted(ROUND, [1.3], photons, 0.0, Variance(1.0), True, 3000)
    good = found.settled & (np.abs(found.position - place) < 2.6).all(1)
    told = np.einsum("mii->mi", found.covariance[:, :3, :3])
    more = told * (1.0 + excess_share(ROUND, windows.axes, found, Variance(1.0)))[:, None]
    seen = ((found.position - place)[good] ** 2).mean()
    margin = 3.0 * math.sqrt(2.0 / (3 * good.sum())) + (5.0 / 49.0) ** 2
    assert good.mean() > 0.98 and abs(more[good].mean() / seen - 1.0) < margin
    assert not abs(told[good].mean() / seen - 1.0) < margin


def test_photons_of_the_spot_itself_bend_nothing():
    """Without a background the likelihood of a place is a parabola; and one that is bright has next to nothing to add."""
    variance = Variance(0.0, 1.0)
    dark, windows, _ = fitted(ROUND, [1.3], 200.0, 1e-3, variance, True, 20)
    lit, _, _ = fitted(ROUND, [1.3], 200.0, 5.0, variance, True, 20)
    bright, _, _ = fitted(ROUND, [1.3], 50_000.0, 5.0, variance, True, 20)
    share = [float(np.median(excess_share(ROUND, windows.axes, f, variance))) for f in (dark, lit, bright)]
    assert share[0] < 0.01 < 0.05 < share[1] and share[2] < 1e-4


def test_the_edge_of_a_disc_bends_more_than_a_gaussian():
    """Sharpness and bend are 1/(2 s^2) and d + 2 for a Gaussian, 1/(2 sqrt(pi) R w) and sqrt(pi) R/w for a disc with w << R."""
    axes = tuple(np.arange(-30, 31.0) for _ in range(2))
    sharpness, bend = sharpness_and_bend(Gaussian((1.0, 1.0), (0, 0)), axes, np.array([4.0]))
    assert np.allclose(sharpness, 1 / 32, rtol=0.01) and np.allclose(bend, 4.0, rtol=0.01)
    sharpness, bend = sharpness_and_bend(Disc((1.0, 1.0)), axes, np.array([20.0, 1.5]))
    assert np.allclose(sharpness, 1 / (2 * math.sqrt(math.pi) * 20 * 1.5), rtol=0.1)
    assert np.allclose(bend, math.sqrt(math.pi) * 20 / 1.5, rtol=0.1)


def test_the_common_size_of_faint_spots_is_the_true_one():
    """200 photons in 3D: within 3 per cent, where weights 1/variance are far short. Spots twice as wide have no common size."""
    variance = Variance(1.5**2, 1.0)
    found, _, _ = fitted(LONG, [1.3, 2.0], 200.0, 2.0, variance, False, 800)
    found = rows(found, found.settled & (found.amount > 0))
    size = common_size(found, LONG)
    assert size is not None and np.allclose(size, [1.3, 2.0], rtol=0.03)
    weight = 1.0 / np.einsum("mpp->mp", found.covariance)[:, 5:7]
    assert ((weight * found.size).sum(0) / weight.sum(0) < [0.95 * 1.3, 0.92 * 2.0]).all()
    half = replace(found, size=found.size * np.where(np.arange(len(found.size)) % 2, 2.0, 1.0)[:, None])
    assert common_size(half, LONG) is None and common_size(rows(found, slice(0, 1)), LONG) is None


def rows(found: Found, index: np.ndarray | slice) -> Found:
    return Found(*(getattr(found, name)[index] for name in Found.__dataclass_fields__))


# Laws


@pytest.mark.parametrize("case", CASES)
def test_a_shift_of_the_image_shifts_the_spots(made, case):
    image = made[case]
    whole = look(image)
    shift = np.array([3, 2, 0][: image.field.dimension])
    padded = np.pad(image.counts, [(int(s), 0) for s in shift[::-1]], mode="reflect")
    spots = look(replace(image, counts=padded[tuple(slice(0, n) for n in image.counts.shape)]))
    inner = ((image.points > 8 * image.field.steps) & (image.points < image.field.sides - 8 * image.field.steps)).all(1)
    tree = cKDTree(spots.points)
    for point, sd in zip(whole.points, whole.sd, strict=True):
        if inner[cKDTree(image.points).query(point)[1]]:
            distance = tree.query(point + shift * image.field.steps)[0]
            assert distance < 0.05 * float(sd.max())


@pytest.mark.parametrize("case", ["2D", "3D", "dark discs"])
def test_an_image_turned_from_bright_to_dark_gives_the_same_spots(made, case):
    image = made[case]
    options = {"camera": None, "profile": "disc" if image.amounts[0] < 0 else "gaussian"}
    straight = look(image, **options)
    turned = detect(40_000.0 - image.counts, bright=not straight.bright, profile=options["profile"])
    assert len(turned) == len(straight) > 0
    assert np.allclose(turned.points, straight.points, atol=1e-6) and np.allclose(turned.photons, -straight.photons, rtol=1e-6)
    assert np.allclose(turned.covariance, straight.covariance, rtol=1e-4)


def test_axes_keep_their_order():
    """Transposing the image swaps x and y; in a volume z is the first axis of the array."""
    image = CASES["2D"].sample(np.random.default_rng(9))
    a, b = detect(image.counts, (1.0, 1.0), camera=CAMERA), detect(image.counts.T, camera=CAMERA)
    order = cKDTree(b.points[:, ::-1]).query(a.points)[1]
    assert np.allclose(a.points, b.points[order, ::-1], atol=1e-6)
    volume = CASES["3D, long voxels"].sample(np.random.default_rng(9))
    spots = look(volume)
    assert spots.size[:, 2].mean() == pytest.approx(0.35, rel=0.1) and spots.size[:, 0].mean() == pytest.approx(0.13, rel=0.1)


@pytest.mark.parametrize("case", ["2D, micrometres", "3D, long voxels"])
def test_units_and_origin_change_nothing_else(made, case):
    image = made[case]
    plain = look(image)
    scaled = look(image, spacing=tuple(1000 * image.field.steps), unit="nm", origin=50.0)
    assert np.allclose(scaled.points, 1000 * plain.points + 50.0, rtol=1e-6) and scaled.unit == "nm"
    assert np.allclose(scaled.covariance, 1e6 * plain.covariance, rtol=1e-6) and np.allclose(scaled.photons, plain.photons)


def test_gain_and_offset_do_not_matter_when_they_are_told(made):
    image = made["2D"]
    other = Camera(7.0, 30.0, 1.5)
    counts = (image.counts - CAMERA.offset) / CAMERA.gain * other.gain + other.offset
    a, b = detect(image.counts.astype(float), camera=CAMERA), detect(counts, camera=other)
    for name in ("points", "photons", "background", "covariance"):
        assert np.allclose(getattr(a, name), getattr(b, name), rtol=1e-5, atol=1e-6)


def test_a_known_width_may_be_told(made):
    spots = look(made["2D"], spot_sd=1.3)
    assert np.allclose(spots.size, 1.3) and len(spots) == 25


def test_two_beads_close_together_are_told_apart():
    apart, law = [], Light(3000.0, 1.3, 10.0, camera=CAMERA)
    for seed in range(20):
        image = seen(np.random.default_rng(seed), np.array([[20.2, 20.4], [26.0, 20.9]]), law, Field((41, 41)))
        spots = look(image, spot_sd=1.3)
        deviation, index = deviations(image, spots)
        assert sorted(index.tolist()) == [0, 1]
        apart.append(squares(deviation, spots.covariance[index]).mean())
    assert np.mean(apart) == pytest.approx(2.0, abs=4 * 2 / math.sqrt(40) + 0.2)


# Misfit


def test_beads_that_are_no_gaussians_have_a_misfit_and_larger_covariances():
    """A core with wide skirts: the misfit is found, and without one it is 0."""
    rng = np.random.default_rng(12)
    plain = Beads(40, Light(50_000.0, 1.3, 10.0, camera=CAMERA), Field((256, 256)), 20.0).sample(rng)
    narrow, _ = Light(40_000.0, 1.2, 10.0).expected(rng, plain.points, plain.field)
    skirts, _ = Light(20_000.0, 2.6, 0.0).expected(rng, plain.points, plain.field)
    odd = detect(np.round(CAMERA.sample(rng, narrow + skirts)), camera=CAMERA)
    good = look(plain)
    assert good.pooled_misfit == 0.0 and odd.pooled_misfit > 0.01
    assert (odd.sd > np.sqrt(np.einsum("nii->ni", odd.photon_covariance))).all()
    assert np.allclose(good.covariance, good.photon_covariance)


@pytest.mark.parametrize(("modality", "apart"), [(Electron(contrast=0.1), 24.0),
                                                 (Light(1000.0, 1.3, 20.0, 0.3, camera=CAMERA), 16.0)])
def test_structure_of_the_background_is_part_of_the_covariance(modality, apart):
    """Photons alone tell too little; with the structure squared deviations are those told, within 20 per cent."""
    law, told, photons = Beads(20, modality, Field((256, 256)), apart), [], []
    for seed in range(6):
        image = law.sample(np.random.default_rng([seed, 21]))
        spots = look(image)
        deviation, index = deviations(image, spots)
        told.append(squares(deviation, spots.covariance[index]).mean() / 2)
        photons.append(squares(deviation, spots.photon_covariance[index]).mean() / 2)
    error = [np.std(x, ddof=1) / math.sqrt(6) for x in (told, photons)]
    assert abs(np.mean(told) - 1.0) < 0.2 + 3 * error[0] < 1.0 and np.mean(photons) > 1.0 + error[1]


def test_two_groups_of_brightness_are_parted_and_one_is_not():
    rng = np.random.default_rng(13)
    bright, faint = 200 * np.exp(0.2 * rng.standard_normal(30)), 10 * np.exp(0.3 * rng.standard_normal(60))
    cut = faint_group(np.concatenate([bright, faint]))
    assert cut is not None and faint.max() < cut < bright.min()
    parted = [faint_group(10 ** rng.random(n)) is not None for n in (20, 50, 100) for _ in range(400)]
    assert np.mean(parted) < 0.01
    assert faint_group(bright[:10]) is None


def test_noise_alone_shows_nothing():
    """At most one false spot in ten images; ten were looked at with a threshold that is far too low, and show many."""
    flat = np.full((256, 256), 10.0)
    counts = [CAMERA.sample(np.random.default_rng([i, 14]), flat) for i in range(10)]
    assert sum(len(detect(c, camera=CAMERA)) for c in counts) <= 4
    assert len(detect(counts[0], camera=CAMERA, threshold=2.5)) > 10


# Results


def test_a_table_of_spots_is_read_back(made, tmp_path):
    for case in ("2D, micrometres", "3D"):
        spots = look(made[case])
        spots.save(tmp_path / f"{case}.csv")
        read = read_points(tmp_path / f"{case}.csv")
        assert np.array_equal(read.points, spots.points) and read.names == spots.names and read.unit == spots.unit
        assert np.allclose(np.einsum("nii->ni", read.covariance), spots.sd**2)


def test_all_that_is_known_goes_into_json(made, tmp_path):
    spots = look(made["dark discs"])
    spots.save(tmp_path / "spots.json")
    held = json.loads((tmp_path / "spots.json").read_text())
    assert held["regerr_spots"] == 1 and len(held["spots"]) == len(spots) and held["camera"]["gain"] == 20.0
    assert np.allclose([row["covariance"] for row in held["spots"]], spots.covariance)


def test_spots_can_be_chosen_and_know_their_neighbours(made):
    spots = look(made["2D"])
    bright = spots[spots.significance > np.median(spots.significance)]
    assert 0 < len(bright) < len(spots) and bright.names == spots.names[: len(bright)] and len(spots[2]) == 1
    gaps = np.linalg.norm(spots.points[:, None] - spots.points, axis=-1) + np.diag(np.full(len(spots), np.inf))
    assert np.allclose(spots.nearest, gaps.min(1)) and np.isinf(spots[:1].nearest).all()
    text = spots.summary()
    assert f"{len(spots)} bright spots in 2D" in text and "photons" in text


@pytest.mark.parametrize("image", [np.zeros((30, 30)), np.full((30, 30), 7.0), np.arange(900.0).reshape(30, 30),
                                   np.zeros((9, 9, 9))])
def test_an_image_without_spots_gives_none(image):
    for camera in (None, CAMERA):
        spots = detect(image, camera=camera)
        assert len(spots) == 0 and spots.summary() and not spots.to_dict()["spots"]


@pytest.mark.parametrize(("image", "options", "words"), [
    ("text", {}, "the image"), (np.zeros((3, 3)), {}, "at least 5 pixels"), (np.zeros((2, 2, 2, 2)), {}, r"shape \(2, 2, 2, 2\)"),
    (np.full((9, 9), np.nan), {}, "NaN or infinity in 81 pixels"), (np.zeros((9, 9)), {"spacing": 0.0}, "spacing is 0.0"),
    (np.zeros((9, 9)), {"spacing": (1.0, 1.0, 1.0)}, "spacing is"), (np.zeros((9, 9)), {"profile": "star"}, "profile is 'star'"),
    (np.zeros((9, 9)), {"plane": 9}, "plane is 9"), (np.zeros((9, 9)), {"threshold": -1.0}, "threshold is -1.0"),
    (np.zeros((9, 9)), {"spot_sd": -1.0}, "spot_sd is -1.0"), (np.zeros((9, 9)), {"camera": 3.0}, "camera is 3.0"),
    (np.zeros((9, 9)), {"reach": 99.0}, "reach is 99.0"), (np.zeros((9, 9)), {"origin": "here"}, "origin is 'here'"),
])
def test_faults_are_one_sentence(image, options, words):
    with pytest.raises(InputError, match=words) as fault:
        detect(image, **options)
    assert "\n" not in str(fault.value)


def test_a_spot_made_too_precise_is_seen(made):
    """The negative control of the truth test: covariances four times too small fail it."""
    image = made["2D"]
    spots = look(image)
    spots = replace(spots, covariance=spots.covariance / 4)
    deviation, index = deviations(image, spots)
    size = squares(deviation, spots.covariance[index])
    assert abs(size.mean() - 2) > 4 * math.sqrt(4 / len(size))
