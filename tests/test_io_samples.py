"""The sample files of other programs: each is read, and every field of what is expected of them is met."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regerr import FiducialPairs, fit
from regerr.errors import InputError, RegistrationWarning
from regerr.io import Points, read_pairs, read_points, read_transform
from regerr.io.document import open_document
from regerr.io.formats import opened, reader_of
from regerr.io.tdct import reported_rms

# Which door reads a sample; the others are images, and tables of expected numbers.
PAIRS = (
    "3dct_correlation_results.txt", "amira_landmarks_two_sets.am", "bigwarp_2d_blobs.csv", "bigwarp_3d_lm_em_fafb14.csv",
    "bigwarp_3d_lm_em_voxel_nm.csv", "bigwarp_3d_mri_anisotropic.csv", "bigwarp_project_settings.json",
    "constructed_bigwarp_disabled_pending.csv", "constructed_bigwarp_excel.csv",
    "constructed_ecclem_v2_transformation_schema.xml",
    "constructed_plain_pairs.xlsx", "constructed_plain_pairs_semicolon_decimal_comma.csv", "spatialdata_landmarks.zarr.zip",
    "transformix_outputpoints_2d.txt", "warpy_transform_sequence.json")
POINTS = (
    "birl_anhir_moving_affine.csv", "birl_anhir_reference.csv", "constructed_3dct_markers_fib_xyz.txt",
    "constructed_3dct_markers_fm_xyz.txt", "constructed_dirlab_case_300_T00_xyz.txt", "constructed_ecclem_dataset.csv",
    "constructed_fibsem_correlation_state.json", "constructed_icy_rois_2d.xml", "constructed_icy_rois_3d.xml",
    "constructed_icy_rois_3d_target.xml", "constructed_learn2reg_fixed.csv", "constructed_learn2reg_moving.csv",
    "constructed_slicer_afids_template_lps.mrk.json", "constructed_trackmate_spots_v7.csv", "constructed_zeiss_palm_elements.txt",
    "elastix_points_2d_no_final_newline.txt", "elastix_points_fixed_3d.txt", "elastix_points_moving_3d.txt", "imagej_RoiSet.zip",
    "imagej_multipoint.roi", "imagej_point.roi", "imagej_tif_with_points_0.05um.tif", "imod_point_sizes.mod",
    "imod_two_contours.mod",
    "leica_lmd_shapes.xml", "nanoimager_2d.csv", "napari_points_3d_with_features_zyx.csv", "napari_points_moving_yx.csv",
    "napari_points_reference_yx.csv", "ome_roi.ome.xml", "ome_roi_transform.ome.xml", "picasso_locs.hdf5",
    "qupath_annotations_calibration_points.geojson", "rapidstorm_2d.txt", "serialem_nav.nav", "serialem_nav_imported_points.nav",
    "slicer_afids_rater01_session1.fcsv", "slicer_afids_rater01_session2.fcsv", "slicer_afids_rater01_session3.fcsv",
    "slicer_afids_rater01_session4.fcsv", "slicer_afids_template_ras.fcsv", "slicer_afids_template_ras.mrk.json",
    "thunderstorm_2d_broken_header.csv", "trackmate_faketracks.xml", "zeiss_elyra_2d.txt")
TRANSFORMS = ("constructed_ecclem_v2_matrix.xml", "elastix_transform_affine3d.txt", "elastix_transform_euler2d.txt",
              "itk_affine3d.tfm",
              "itk_composite_similarity_affine.tfm", "itk_euler2d.tfm", "ngff_affine_2d.json", "ngff_multiscales.json")
REFUSED = {
    "ngff_scene_registration.json": "it holds a transformation of the type 'displacements'",
    "serialem_nav_single_map.nav": "no registration points and no point items",
    "ometiff_2c_64x48_0.108um.ome.tif": "it is an image without points",
    "expected.json": "it is JSON of no kind", "itk_expected_points.json": "it is JSON of no kind",
    "picasso_locs.yaml": "do not say which holds which coordinate", "README.md": "do not say which holds which coordinate",
}


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "formats"


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return found


def quiet(read: Callable[..., Any], *paths: Path, **more: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        return read(*paths, **more)


def test_every_sample_has_a_door(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*PAIRS, *POINTS, *TRANSFORMS, *REFUSED}


@pytest.mark.parametrize("name", PAIRS)
def test_samples_of_pairs(folder: Path, name: str) -> None:
    assert quiet(read_pairs, folder / name).n >= 4


@pytest.mark.parametrize("name", POINTS)
def test_samples_of_points(folder: Path, name: str) -> None:
    assert len(quiet(read_points, folder / name).points) >= 1


@pytest.mark.parametrize("name", TRANSFORMS)
def test_samples_of_transformations(folder: Path, name: str) -> None:
    assert np.isfinite(read_transform(folder / name).homogeneous).all()


@pytest.mark.parametrize("name", REFUSED)
def test_samples_of_nothing_to_read(folder: Path, name: str) -> None:
    said = "transformation" if name.startswith("ngff") else REFUSED[name]
    for read in (read_pairs, read_points):
        with pytest.raises(InputError, match=said):
            read(folder / name)
    if name.startswith("ngff"):
        with pytest.raises(InputError, match=REFUSED[name]):
            read_transform(folder / name)


# Every field of the expectations


def rms(model: str, pairs: FiducialPairs) -> float:
    """R.m.s. residual of the least-squares fit from source to target."""
    return float(fit(pairs, model, "target").fre_rms)


def check_pairs(pairs: FiducialPairs, facts: dict[str, Any]) -> set[str]:
    """The fields of a set of pairs; those that were met."""
    checks = {"n": lambda v: pairs.n == v, "d": lambda v: pairs.dimension == v, "active": lambda v: pairs.n == v,
              "source_first": lambda v: pairs.source[0].tolist() == v, "source_last": lambda v: pairs.source[-1].tolist() == v,
              "target_first": lambda v: pairs.target[0].tolist() == v, "target_last": lambda v: pairs.target[-1].tolist() == v,
              "fre_rms_similarity": lambda v: abs(rms("similarity", pairs) - v) < 1e-6 * max(v, 1.0),
              "fre_rms_affine": lambda v: abs(rms("affine", pairs) - v) < 1e-6 * max(v, 1.0),
              "unit": lambda v: pairs.source_unit == pairs.target_unit == v}
    met = {field for field, check in checks.items() if field in facts and check(facts[field])}
    assert met == set(facts) & set(checks)
    return met


FILES = {
    "bigwarp_2d_blobs.csv": ("bigwarp_2d_blobs.csv",),
    "bigwarp_3d_mri_anisotropic.csv": ("bigwarp_3d_mri_anisotropic.csv",),
    "bigwarp_3d_lm_em_voxel_nm.csv": ("bigwarp_3d_lm_em_voxel_nm.csv",),
    "bigwarp_3d_lm_em_fafb14.csv": ("bigwarp_3d_lm_em_fafb14.csv",),
    "elastix_points_fixed_3d.txt + elastix_points_moving_3d.txt": ("elastix_points_fixed_3d.txt", "elastix_points_moving_3d.txt"),
    "birl_anhir_moving_affine.csv + birl_anhir_reference.csv": ("birl_anhir_moving_affine.csv", "birl_anhir_reference.csv"),
    "amira_landmarks_two_sets.am": ("amira_landmarks_two_sets.am",),
    "constructed_learn2reg_fixed.csv + constructed_learn2reg_moving.csv": ("constructed_learn2reg_fixed.csv",
                                                                           "constructed_learn2reg_moving.csv"),
    "warpy_transform_sequence.json (inner landmarks)": ("warpy_transform_sequence.json",),
}
OTHERS = {
    "constructed_bigwarp_disabled_pending.csv", "elastix_points_2d_no_final_newline.txt", "slicer_afids_template_ras.fcsv",
    "constructed_slicer_afids_template_lps.mrk.json", "slicer_afids_rater01_session{1..4}.fcsv", "3dct_correlation_results.txt",
    "leica_lmd_shapes.xml", "qupath_annotations_calibration_points.geojson"}


def test_every_expectation_is_asked_for(expected: dict[str, Any]) -> None:
    assert set(expected) == {*FILES, *OTHERS}


@pytest.mark.parametrize("key", FILES)
def test_pairs_as_expected(folder: Path, expected: dict[str, Any], key: str) -> None:
    pairs = quiet(read_pairs, *(folder / name for name in FILES[key]))
    assert check_pairs(pairs, expected[key]) == set(expected[key]) - {"note"}


def test_disabled_bigwarp_as_expected(folder: Path, expected: dict[str, Any]) -> None:
    facts = expected["constructed_bigwarp_disabled_pending.csv"]
    pairs = read_pairs(folder / "constructed_bigwarp_disabled_pending.csv")
    assert (pairs.n + len(pairs.unused), pairs.n, list(pairs.names)) == (facts["n_rows"], facts["used"], facts["names_used"])
    assert check_pairs(pairs, facts) == {"fre_rms_similarity", "fre_rms_affine"}
    assert set(facts) == {"n_rows", "used", "names_used", "fre_rms_similarity", "fre_rms_affine"}


def check_points(points: np.ndarray, facts: dict[str, Any]) -> None:
    assert (*points.shape, points[0].tolist(), points[-1].tolist()) == (facts["n"], facts["d"], facts["first"], facts["last"])


def test_points_as_expected(folder: Path, expected: dict[str, Any]) -> None:
    elastix = expected["elastix_points_2d_no_final_newline.txt"]
    check_points(read_points(folder / "elastix_points_2d_no_final_newline.txt").points, elastix)
    assert set(elastix) == {"n", "d", "first", "last"}


def test_slicer_as_expected(folder: Path, expected: dict[str, Any]) -> None:
    facts = expected["slicer_afids_template_ras.fcsv"]
    table, markups = (read_points(folder / f"slicer_afids_template_ras{end}") for end in (".fcsv", ".mrk.json"))
    check_points(table.points, facts)
    assert (table.frame, facts["coordinates"]) == ("RAS", "RAS (0)") and markups.frame == "RAS"
    assert np.abs(table.points - markups.points).max() == facts["max_difference_to_mrk_json"]
    facts = expected["constructed_slicer_afids_template_lps.mrk.json"]
    lps = read_points(folder / "constructed_slicer_afids_template_lps.mrk.json")
    whole = dict(zip(lps.names, lps.points.tolist(), strict=True)) | {u.name: u.source for u in lps.unused}
    assert len(whole) == facts["n"] and lps.frame == facts["coordinates"] == "LPS" and lps.points.shape[1] == facts["d"]
    assert whole["1"] == facts["first"] and whole["32"] == facts["last"]
    assert {u.name: u.reason for u in lps.unused} == {
        facts["undefined_position_label"]: "its position is undefined in the file",
        facts["unselected_label"]: "not selected in the file", facts["hidden_label"]: "hidden in the file"}
    ras = read_points(folder / "slicer_afids_template_ras.fcsv", frame="LPS")
    same = [ras.names.index(name) for name in lps.names]
    np.testing.assert_array_equal(lps.points, ras.points[same])


def test_repeated_slicer_placements_as_expected(folder: Path, expected: dict[str, Any]) -> None:
    facts = expected["slicer_afids_rater01_session{1..4}.fcsv"]
    found = [read_points(folder / f"slicer_afids_rater01_session{k}.fcsv") for k in range(1, facts["sessions"] + 1)]
    points = np.stack([one.points for one in found])
    variances = points.var(0, ddof=1).mean(0)
    assert points.shape[1] == facts["n"] and len({one.names for one in found}) == 1
    np.testing.assert_allclose(np.sqrt(variances), facts["fle_sd_per_coordinate_mm"], atol=5e-5)
    np.testing.assert_allclose(np.sqrt(variances.sum()), facts["fle_rms_length_mm"], atol=5e-5)


def test_3dct_as_expected(folder: Path, expected: dict[str, Any]) -> None:
    facts = expected["3dct_correlation_results.txt"]
    path = folder / "3dct_correlation_results.txt"
    pairs, markers = read_pairs(path), read_points(path)
    assert pairs.n == len(markers.points) == facts["n"]
    assert markers.points[0].tolist() == facts["markers_3d_first"]
    assert pairs.source[0].tolist() == facts["transformed_first"][:2] and pairs.target[0].tolist() == facts["markers_2d_first"]
    assert reported_rms(open_document(path)) == facts["reported_rms_px"]
    residuals = pairs.target - pairs.source
    assert round(float(np.sqrt((residuals**2).sum(1).mean())), 3) == facts["recomputed_rms_px"]


def test_leica_as_expected(folder: Path, expected: dict[str, Any]) -> None:
    facts = expected["leica_lmd_shapes.xml"]
    found = read_points(folder / "leica_lmd_shapes.xml")
    assert found.points.tolist() == facts["calibration_points"]
    reasons = [u.reason for u in found.unused]
    first = f"a vertex of shape 1 (for {facts['cap']})"
    assert len(dict.fromkeys(reasons)) == facts["shapes"] and reasons.count(first) == facts["points_in_shape_1"]


def test_qupath_as_expected(folder: Path, expected: dict[str, Any]) -> None:
    facts = expected["qupath_annotations_calibration_points.geojson"]
    found = read_points(folder / "qupath_annotations_calibration_points.geojson")
    assert dict(zip(found.names, found.points.tolist(), strict=True)) == facts["calibration_points"]
    assert len(found.names) + len(found.unused) == facts["features"]
    assert {"Point", *(u.reason.split()[1] for u in found.unused)} == set(facts["types"])


# One set of points in several formats


def test_one_set_of_points_in_several_formats(folder: Path) -> None:
    birl = read_pairs(folder / "birl_anhir_moving_affine.csv", folder / "birl_anhir_reference.csv")
    napari = read_pairs(folder / "napari_points_moving_yx.csv", folder / "napari_points_reference_yx.csv")
    spatial = quiet(read_pairs, folder / "spatialdata_landmarks.zarr.zip")
    for other in (napari, spatial):
        np.testing.assert_array_equal(other.source, birl.source)
        np.testing.assert_array_equal(other.target, birl.target)
    mri = read_pairs(folder / "bigwarp_3d_mri_anisotropic.csv")
    layer = read_points(folder / "napari_points_3d_with_features_zyx.csv")
    np.testing.assert_array_equal(layer.points, mri.source)
    assert layer.names == mri.names
    ecclem = read_pairs(folder / "constructed_ecclem_v2_transformation_schema.xml")
    icy = read_pairs(folder / "constructed_icy_rois_3d.xml", folder / "constructed_icy_rois_3d_target.xml")
    assert icy.names == tuple(f"FIDUCIAL_{k}" for k in (0, 2, 3, 4, 5, 10))  # what was the second bead is number 10 there
    for other, order in ((ecclem, range(6)), (icy, (0, 2, 3, 4, 5, 1))):
        np.testing.assert_allclose(other.source, mri.source[list(order)], rtol=1e-14)
        np.testing.assert_allclose(other.target, mri.target[list(order)], rtol=1e-14)
    one, two = (read_points(folder / name).points for name in ("constructed_dirlab_case_300_T00_xyz.txt",
                                                               "constructed_learn2reg_fixed.csv"))
    np.testing.assert_array_equal(one, two)
    single, several, both = (read_points(folder / name).points
                             for name in ("imagej_point.roi", "imagej_multipoint.roi", "imagej_RoiSet.zip"))
    np.testing.assert_array_equal(np.concatenate([single, several]), both)


def test_itk_maps_as_simpleitk(folder: Path) -> None:
    facts = json.loads((folder / "itk_expected_points.json").read_text(encoding="utf-8"))
    points = np.array(facts["points"])
    for key, name in (("affine3d", "itk_affine3d.tfm"), ("composite", "itk_composite_similarity_affine.tfm"),
                      ("euler2d", "itk_euler2d.tfm")):
        found = read_transform(folder / name, as_stored=True)
        start = points[:, : found.matrix.shape[-1]]
        np.testing.assert_allclose(found.apply(start), facts[key], atol=1e-12)
        np.testing.assert_allclose(read_transform(folder / name).apply(facts[key]), start, atol=1e-12)


def test_transformix_says_where_points_went(folder: Path) -> None:
    """The file has the displacement too; its points lie on a rigid motion but for their six decimals."""
    pairs = read_pairs(folder / "transformix_outputpoints_2d.txt")
    np.testing.assert_allclose((pairs.target - pairs.source)[0], [-24.008871, -14.988529], atol=1.5e-6)
    assert float(fit(pairs, "rigid", "target").fre_rms) < 1e-5


def test_localisations_carry_their_precision(folder: Path) -> None:
    storm: Points = read_points(folder / "thunderstorm_2d_broken_header.csv")
    assert storm.covariance is not None and storm.unit == "nm" and storm.points.shape == (19, 2)
    np.testing.assert_allclose(storm.covariance[0], 22.93255128689051**2 * np.eye(2))
    elyra = read_points(folder / "zeiss_elyra_2d.txt")
    assert elyra.covariance is not None and elyra.points.shape == (15, 2)
    np.testing.assert_allclose(elyra.covariance[0], 8.6**2 * np.eye(2))
    picasso = quiet(read_points, folder / "picasso_locs.hdf5")
    assert (picasso.unit, len(picasso.points)) == ("nm", 564) and picasso.covariance is not None
    assert 1.0 < np.sqrt(picasso.covariance[:, 0, 0]).mean() < 20.0  # nm: a good camera pixel of 130 nm and some 10^4 photons


def test_a_workbook_is_read_like_its_table(folder: Path) -> None:
    path = folder / "constructed_plain_pairs.xlsx"
    assert reader_of(opened(open_document(path))).CARD.kind == "plain table"
    assert read_pairs(path).source_unit == "µm"
