"""Measured data, end to end: read, fitted, and compared with plain least squares and with what ec-CLEM computed.

The numbers were computed apart from this library (numpy, plain least squares) and stand in the README of each set: r.m.s. FRE is
sqrt(mean |residual|^2) without a correction; leaving one out refits without the point (at most 300 points, evenly spaced, for
rigid and similarity). Values agree when they print alike.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from regerr import FiducialPairs, datasets, fit
from regerr.io import Points, read_pairs, read_points

MODELS = ("rigid", "similarity", "affine")

Row = tuple[str, float, str, str, str, str]
# set: registration, unit of length, r.m.s. FRE of the three models, scale of the similarity, r.m.s. when left out of the three,
# share of pairs that lie in the 95 % affine region of the others
TABLE: dict[str, list[Row]] = {
    "pyf2f_beads": [
        ("Pos000_000", 1, "0.2137 0.1063 0.105", "1.00078", "0.2164 0.1089 0.1089", "0.946"),
        ("Pos001_000", 1, "0.2284 0.1154 0.1096", "1.00078", "0.2311 0.1181 0.1136", "0.936"),
        ("Pos002_000", 1, "0.2202 0.1147 0.1105", "1.00075", "0.2229 0.1176 0.1148", "0.968"),
        ("Pos003_000", 1, "0.2246 0.1208 0.1166", "1.00079", "0.2274 0.1236 0.1207", "0.947"),
        ("all fields", 1, "0.2233 0.1162 0.1125", "1.00078", "0.2184 0.1171 0.1135", "0.952"),
    ],
    "ebeam_grid_optical": [
        ("grid_10x10", 1, "178.5 14.13 0.2204", "44.8035", "180.3 14.48 0.2298", "0.940"),
        ("grid_missing_point", 1, "178.9 14.26 0.2725", "44.9043", "180.7 14.61 0.2839", "0.960"),
        ("overlay_4_4_test_1", 1, "205.4 0.5563 0.1817", "130.908", "219.1 0.6547 0.2406", "0.938"),
    ],
    "afids_templates": [
        ("Agile12v2016 to Colin27", 1, "6.038 5.951 4.699", "1.03339", "6.78 7.013 6.051", "0.938"),
        ("Agile12v2016 to MNI152NLin2009bAsym", 1, "2.804 1.384 0.8877", "1.07956", "2.925 1.531 1.08", "0.938"),
        ("Colin27 to MNI152NLin2009bAsym", 1, "5.471 5.454 4.707", "1.0136", "6.192 6.273 6.051", "0.938"),
    ],
    "fafb_lm_em": [
        ("v14", 1000, "165.8 16.37 13.87", "0.474997", "167.1 16.79 14.5", "0.919"),
        ("v11", 1000, "166.8 3.095 2.225", "0.131446", "167.7 3.153 2.29", "0.952"),
    ],
    "mri_distortion_phantom": [
        ("CT to MR", 1, "6.325 6.324 5.496", "0.999397", "6.378 6.381 5.564", "1.000"),
        ("CT to MR, within 60 mm", 1, "0.3942 0.2159 0.1576", "1.00986", "0.4548 0.2739 0.2861", "0.900"),
        ("CT to MR, within 100 mm", 1, "0.441 0.2162 0.1697", "1.01062", "0.5018 0.2757 0.3092", "0.909"),
        ("MR, one polarity to the other", 1, "3.412 3.378 3.168", "1.00325", "3.427 3.394 3.211", "0.920"),
    ],
    "lung_4dct": [
        ("case 1, original", 1, "2.883 2.451 1.586", "1.01845", "2.899 2.472 1.609", "0.947"),
        ("case 1, improved", 1, "2.849 2.388 1.477", "1.01889", "2.865 2.408 1.5", "0.933"),
        ("case 6, original", 1, "7.421 5.545 3.455", "1.05484", "7.458 5.588 3.506", "0.947"),
        ("case 6, improved", 1, "7.384 5.525 3.416", "1.05447", "7.421 5.568 3.466", "0.947"),
    ],
    "sk42_sk95": [("SK-42 to SK-95", 1, "0.0004409 0.0004389 0.0004026", "1", "0.0005009 0.0005094 0.0005178", "1.000")],
}
ROWS = [(name, row) for name, rows in TABLE.items() for row in rows]
pytestmark = pytest.mark.filterwarnings("ignore:pairs .* lie at one place:regerr.RegistrationWarning")


@cache
def loaded(name: str, folder: Path) -> datasets.Dataset:
    return datasets.load(name, folder)


def registration(name: str, key: str, folder: Path) -> FiducialPairs:
    if (name, key) != ("fafb_lm_em", "v11"):
        return loaded(name, folder).pairs[key]
    # This file holds 36 landmarks twice. The reader uses each once; the reference counted both: the copies are moved by a hair.
    lines = (folder / name / "lm-em-landmarks_v11.csv").read_text(encoding="utf-8").splitlines()
    rows = np.array([[float(cell) for cell in row[2:]] for row in csv.reader(lines)])
    return FiducialPairs(rows[:, :3] + np.arange(len(rows))[:, None] * 1e-10, rows[:, 3:])


def rms(vectors: np.ndarray) -> float:
    return float(np.sqrt((vectors**2).sum(-1).mean()))


def printed(values: Iterable[float], digits: int = 4) -> str:
    return " ".join(f"{value:.{digits}g}" for value in values)


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{name}: {row[0]}" for name, row in ROWS])
def test_least_squares_prints_what_the_reference_prints(shared_data: Path, name: str, row: Row) -> None:
    key, unit, fre, scale, left_out, covered = row
    pairs = registration(name, key, shared_data)
    pairs = FiducialPairs(pairs.source, pairs.target / unit)
    results = [fit(pairs, model, "target") for model in MODELS]
    assert printed(float(result.fre_rms) for result in results) == fre
    assert printed([abs(np.linalg.det(results[1].transform.matrix)) ** (1 / pairs.dimension)], 6) == scale
    spaced = np.linspace(0, pairs.n - 1, min(pairs.n, 300)).astype(int)
    rows = (spaced, spaced, np.arange(pairs.n))
    assert printed(rms(result.leave_one_out()[i]) for result, i in zip(results, rows, strict=True)) == left_out
    assert f"{(fit(pairs, 'affine', 'full').pair_p_values() >= 0.05).mean():.3f}" == covered


@pytest.mark.parametrize(("tissue", "count", "n", "fre", "left_out"), [
    ("lung-lesion_3", 10, 80, "129 110 100", "104"), ("lung-lobes_1", 10, 98, "171 84 81", "84"),
    ("lung-lobes_4", 10, 89, "83 60 53", "55"), ("mammary-gland_1", 10, 77, "128 123 120", "128"),
    ("mammary-gland_2", 36, 76, "1437 252 237", "248")])
def test_histology_between_sections(shared_data: Path, tissue: str, count: int, n: int, fre: str, left_out: str) -> None:
    """Medians over all pairs of sections of a tissue, which the batch fits in one call."""
    chosen = [p for key, p in loaded("histology_two_annotators", shared_data).pairs.items()
              if key.startswith(f"{tissue}:") and "JB" not in key]
    assert [p.n for p in chosen] == [n] * count
    pairs = FiducialPairs(np.stack([p.source for p in chosen]), np.stack([p.target for p in chosen]))
    results = [fit(pairs, model, "target") for model in MODELS]
    assert " ".join(f"{np.median(result.fre_rms):.0f}" for result in results) == fre
    each = [rms(loo) for loo in results[2].leave_one_out()]
    assert f"{np.median(each):.0f}" == left_out


def test_histology_two_annotators_of_one_image(shared_data: Path) -> None:
    pairs = loaded("histology_two_annotators", shared_data).pairs
    found = {key.split(": ")[1].split(",")[0]: f"{rms(p.source - p.target):.1f}" for key, p in pairs.items() if "JB" in key}
    assert found == {"29-041-Izd2-w35-He-les3": "229.9", "29-041-Izd2-w35-proSPC-4-les3": "51.6", "s1_37-HE_A4926-4L": "32.4",
                     "s1_40-PR_A4926-4L": "162.3", "s2_63-HE_A4926-4L": "96.9", "s2_68-ER-A4962-4L": "238.9"}


def test_beads_of_other_fields_land_in_their_regions_as_often_as_reported(shared_data: Path) -> None:
    fields = loaded("pyf2f_beads", shared_data).pairs
    result = fit(fields["Pos000_000"], "affine", "full")
    shares = [result.predict(fields[key].source, "observation").region(0.95, "wald").contains(fields[key].target).mean()
              for key in ("Pos001_000", "Pos002_000", "Pos003_000")]
    assert [f"{share:.3f}" for share in shares] == ["0.915", "0.946", "0.926"]


@pytest.mark.parametrize(("template", "rigid", "affine"), [("Agile12v2016", 1.74, 1.60), ("Colin27", 2.00, 1.89),
                                                           ("MNI152NLin2009bAsym", 1.59, 1.50)])
def test_repeated_placements_register_to_the_identity(shared_data: Path, template: str, rigid: float, affine: float) -> None:
    """Sixty pairs of files of different raters, gross errors removed: another sixty than the reference drew."""
    read = {file: read_points(file) for file in sorted((shared_data / "afids_templates").glob(f"{template}_*.fcsv"))}
    whole = {file: points for file, points in read.items() if set(points.names) == set(map(str, range(1, 33)))}
    placed, raters = list(whole.values()), [file.name.split("_")[2] for file in whole]
    middle = np.median([sorted_by_label(points) for points in placed], axis=0)
    rng = np.random.default_rng(8)
    couples = [(i, j) for i, j in itertools.permutations(range(len(placed)), 2) if raters[i] != raters[j]]
    fre: dict[str, list[float]] = {"rigid": [], "affine": []}
    for i, j in rng.permutation(couples)[:60]:
        x, y = sorted_by_label(placed[i]), sorted_by_label(placed[j])
        fine = (np.linalg.norm(x - middle, axis=1) < 10) & (np.linalg.norm(y - middle, axis=1) < 10)
        for model, found in fre.items():
            found.append(float(fit(FiducialPairs(x[fine], y[fine]), model, "target").fre_rms))
    for values, reference in zip(fre.values(), (rigid, affine), strict=True):
        assert abs(np.mean(values) - reference) < 3 * np.std(values) * np.sqrt(2 / 60)


def sorted_by_label(points: Points) -> np.ndarray:
    order = np.argsort([int(name) for name in points.names])
    return np.asarray(points.points[order])


def test_geodesy_finds_the_noise_that_rounding_made(shared_data: Path) -> None:
    """Coordinates of 6e6 m, noise of 0.29 mm: s.d. per coordinate as computed apart from the library."""
    pairs = loaded("sk42_sk95", shared_data).pairs["SK-42 to SK-95"]
    sd = [1000 * float(np.sqrt(np.trace(fit(pairs, model, "target").noise_covariance) / 3)) for model in MODELS]
    assert [f"{value:.3f}" for value in sd] == ["0.268", "0.270", "0.260"]
    result = fit(pairs, "similarity")
    scale = np.cbrt(np.linalg.det(result.transform.matrix))
    assert abs(scale - 1.0000000008) < 1e-8  # the independent program's own estimate


# ec-CLEM


class Reference:
    """What ec-CLEM computed from one data set with one model."""

    def __init__(self, folder: Path, name: str, model: str) -> None:
        self.name, self.model, self.points = name, model, folder / "points"
        self.values: dict[str, dict[tuple[int, int], float]] = {}
        for row in table(folder / "matrices.csv"):
            if (row["dataset"], row["model"]) == (name, model):
                place = (int(row["row"] or 0), int(row["col"] or 0))
                self.values.setdefault(row["quantity"], {})[place] = float(row["value"])
        self.rows = [row for row in table(folder / "points.csv") if (row["dataset"], row["model"]) == (name, model)]
        self.pairs = read_pairs(self.points / f"{name}_source.csv", self.points / f"{name}_target.csv")
        self.targets = read_points(self.points / f"{name}_test.csv").points

    def matrix(self, quantity: str) -> np.ndarray:
        values = self.values[quantity]
        out = np.zeros(np.max(list(values), axis=0) + 1)
        for place, value in values.items():
            out[place] = value
        return out

    def number(self, quantity: str) -> float:
        return self.values[quantity][0, 0]

    def column(self, *names: str) -> np.ndarray:
        return np.array([[float(row[name]) for name in names] for row in self.rows])

    @property
    def covariance(self) -> np.ndarray:
        d = self.pairs.dimension
        return self.column(*(f"c{min(i, j)}{max(i, j)}" for i in range(d) for j in range(d))).reshape(-1, d, d)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def ecclem(shared_data: Path) -> Path:
    return shared_data / "ecclem_reference"


NAMES = ["d2_n10_rigid", "d2_n12_similarity", "d2_n25_affine", "d2_n50_rigid", "d2_n8_mirror", "d3_n12_rigid", "d3_n50_affine",
         "d3_n5_nearplanar"]
PROPER = [name for name in NAMES if name not in ("d2_n8_mirror", "d3_n5_nearplanar")]


def test_every_data_set_of_the_reference_is_compared(ecclem: Path) -> None:
    assert sorted({row["dataset"] for row in table(ecclem / "matrices.csv")}) == sorted(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "d3_n5_nearplanar"])
def test_affine_agrees_with_ecclem(ecclem: Path, name: str) -> None:
    """Matrix, FRE, residual covariance R'R/n, covariance of a new point, and the 95 % region."""
    theirs = Reference(ecclem, name, "AFFINE")
    ours = fit(theirs.pairs, "affine", "full")
    n, d = theirs.pairs.n, theirs.pairs.dimension
    share = (n - d - 1) / n  # ec-CLEM divides by n
    np.testing.assert_allclose(ours.transform.homogeneous, theirs.matrix("matrix"), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.fre_rms**2, theirs.number("mean_square_FRE"), rtol=1e-10)
    np.testing.assert_allclose(ours.noise_covariance * share, theirs.matrix("noise_covariance"), rtol=1e-9, atol=1e-12)
    where = ours.predict(theirs.targets, "observation")
    np.testing.assert_allclose(where.mean, theirs.column(*("px", "py", "pz")[:d]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(where.covariance * share, theirs.covariance, rtol=1e-8, atol=1e-10)
    axes = theirs.column(*("ev0", "ev1", "ev2")[:d])
    content = {2: np.pi, 3: 4 * np.pi / 3}[d] * np.sqrt(axes.prod(axis=1))
    for method in ("wald", "score", "likelihood-ratio"):  # one region, whatever the method
        np.testing.assert_allclose(where.region(0.95, method).volume, content, rtol=1e-6)


def test_affine_is_refused_where_ecclem_has_no_degrees_of_freedom(ecclem: Path) -> None:
    theirs = Reference(ecclem, "d3_n5_nearplanar", "AFFINE")
    assert all("degrees of freedom (-1)" in row["exception"] for row in theirs.rows)
    with pytest.raises(Exception, match="5 pairs are too few for the affine model in 3D"):
        fit(theirs.pairs, "affine", "full")


@pytest.mark.parametrize("name", PROPER)
def test_rigid_agrees_with_ecclem_where_its_rotation_is_proper(ecclem: Path, name: str) -> None:
    theirs = Reference(ecclem, name, "RIGID")
    assert theirs.number("det_R") == pytest.approx(1.0)
    ours = fit(theirs.pairs, "rigid", "target")
    n, d = theirs.pairs.n, theirs.pairs.dimension
    k = d * (d + 1) // 2
    np.testing.assert_allclose(ours.transform.homogeneous, theirs.matrix("matrix"), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ours.fre_rms**2, theirs.number("mean_square_FRE"), rtol=1e-11)
    share = (n * d - k) / (n * d)
    np.testing.assert_allclose(ours.noise_covariance * share, theirs.matrix("noise_covariance"), rtol=1e-11, atol=1e-12)
    where = ours.predict(theirs.targets, "tre").mean
    np.testing.assert_allclose(where, theirs.column(*("px", "py", "pz")[:d]), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["d2_n10_rigid", "d2_n50_rigid"])
def test_rigid_covariance_agrees_with_ecclem_in_2d(ecclem: Path, name: str) -> None:
    """To 1e-4 in the field (3e-4 far outside): ec-CLEM takes the observed, we the expected information; it divides by nd."""
    theirs = Reference(ecclem, name, "RIGID")
    ours = fit(theirs.pairs, "rigid", "target").predict(theirs.targets, "observation").covariance
    scaled = ours * (2 * theirs.pairs.n - 3) / (2 * theirs.pairs.n)
    size = np.trace(scaled, axis1=1, axis2=2)[:, None, None]
    apart = np.abs(theirs.covariance - scaled) / size
    assert apart[:3].max() < 1e-4 and apart.max() < 3e-4


@pytest.mark.parametrize("name", ["d2_n8_mirror", "d3_n5_nearplanar"])
@pytest.mark.filterwarnings("ignore:a mirrored fit")
def test_rigid_stays_proper_where_ecclem_reflects(ecclem: Path, name: str) -> None:
    theirs = Reference(ecclem, name, "RIGID")
    assert theirs.number("det_R") == pytest.approx(-1.0)
    assert np.linalg.det(fit(theirs.pairs, "rigid", "target").transform.matrix) == pytest.approx(1.0)


def test_similarity_keeps_one_scale_where_ecclem_has_one_per_axis(ecclem: Path) -> None:
    """ec-CLEM takes the mean ratio of coordinates per axis, which is no similarity; nothing of it can agree."""
    for name in PROPER:
        theirs = Reference(ecclem, name, "SIMILARITY")
        d = theirs.pairs.dimension
        for matrix, alike in ((theirs.matrix("matrix")[:d, :d], False),
                              (fit(theirs.pairs, "similarity", "target").transform.matrix, True)):
            squares = np.linalg.eigvalsh(matrix.T @ matrix)
            assert (squares[-1] / squares[0] < 1 + 1e-10) == alike
    truth = np.array(json.loads((ecclem / "truth.json").read_text(encoding="utf-8"))["d2_n12_similarity"]["A"])
    ours = fit(Reference(ecclem, "d2_n12_similarity", "SIMILARITY").pairs, "similarity", "target").transform.matrix
    np.testing.assert_allclose(ours, truth, atol=0.02)
