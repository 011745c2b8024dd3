"""Reports of measured data: complete for a stranger, with the numbers that were computed apart from this library."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from test_real_data import registration
from test_report import SECTIONS, Page, written

import regerr

pytestmark = pytest.mark.filterwarnings("ignore::regerr.RegistrationWarning")
HISTOLOGY = "lung-lesion_3: 29-041-Izd2-w35-CD31-3-les3 to 29-041-Izd2-w35-He-les3"
# set, registration, model, and what the page must say: FRE of the README in its unit, the verdict
PAGES: list[tuple[str, str, str, str, str]] = [
    ("pyf2f_beads", "Pos000_000", "rigid", "0.214 px", "There is evidence against a rigid transformation"),
    ("pyf2f_beads", "Pos000_000", "similarity", "0.106 px", "No evidence against a similarity transformation (p = 0.11)"),
    ("fafb_lm_em", "v14", "affine", "13891 nm", "Simpler transformations than an affine one do not explain the pairs"),
    ("lung_4dct", "case 1, original", "affine", "1.59 mm", "Simpler transformations than an affine one do not explain the pairs"),
    ("histology_two_annotators", HISTOLOGY, "affine", "px", "No fiducial disagrees with the others"),
]


@pytest.fixture(scope="module", params=PAGES, ids=lambda page: f"{page[0]}-{page[2]}")
def page(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Any]:
    name, key, model, fre, verdict = request.param
    options: dict[str, Any] = {"files": [key]}
    if name == "pyf2f_beads":
        pytest.importorskip("tifffile")
        (image,) = (shared_data / name).glob(f"*{key}.ome.tif")
        options |= {"image": image, "page": 1}
    pairs = registration(name, key, shared_data)
    return written(regerr.fit(pairs, model), tmp_path_factory.mktemp("page"), **options), (pairs, fre, verdict)


def test_a_stranger_finds_everything(page: tuple[Page, Any]) -> None:
    text, (pairs, fre, verdict) = page
    assert text.balanced and all(title in text.words for title in SECTIONS)
    assert verdict in text.words
    assert re.search(rf"The r\.m\.s\. FRE was [\d.]* ?{re.escape(fre)}", text.words)
    assert re.search(rf"Within the field of the {pairs.n} fiducials the 95 % radius is [\d.]+ to [\d.]+ {pairs.target_unit}",
                     text.words)
    assert len([tag for tag, _ in text.tags if tag == "svg"]) == 4


def test_every_fiducial_has_its_row(page: tuple[Page, Any]) -> None:
    text, (pairs, *_) = page
    rows = [said for said in text.said if said in pairs.names]
    assert set(rows) == set(pairs.names)


def test_every_number_in_a_header_has_its_unit(page: tuple[Page, Any]) -> None:
    text, (pairs, *_) = page
    for what in ("left out", "length", "TRE r.m.s.", "95 % radius", "FRE r.m.s.", "FLE r.m.s."):
        assert f"{what} ({pairs.target_unit})" in text.words
