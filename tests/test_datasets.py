"""The simulated example in the package, and the public sets: from a folder, and fetched (by a stand-in for the network)."""

from __future__ import annotations

import builtins
import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from regerr import datasets
from regerr.errors import InputError, MissingExtraError, RegistrationError, RegistrationWarning

TABLE = "id,x,y,z\n1,1.0,2.0,3.0\n2,4.0,5.0,6.5\n"


def test_the_example_is_what_its_header_says() -> None:
    """The file is drawn again from the seed in its header."""
    rng = np.random.default_rng(20261124)
    true = np.round(rng.uniform(5, 55, (12, 2)), 3)
    source = np.round(true + rng.normal(0, 0.05, true.shape), 3)
    angle = np.radians(20.0)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = np.round(true @ rotation.T + [12, -4] + rng.normal(0, 0.05, true.shape), 3)
    pairs = datasets.example()
    np.testing.assert_array_equal(pairs.source, source)
    np.testing.assert_allclose(pairs.target, target, atol=1e-12)
    assert (pairs.n, pairs.dimension, pairs.source_unit, pairs.names[0]) == (12, 2, "µm", "bead 1")


def test_the_example_has_targets_inside_and_outside_the_beads() -> None:
    points = datasets.example_targets()
    low, high = datasets.example().source.min(0), datasets.example().source.max(0)
    inside = ((points.points > low) & (points.points < high)).all(1)
    assert points.unit == "µm" and inside[:-1].all() and not inside[-1]


def test_what_ships_says_that_it_is_simulated() -> None:
    folder = Path(datasets.__file__).parent / "data"
    tables = sorted(folder.glob("*.csv"))
    assert [path.name for path in tables] == ["simulated_beads.csv", "simulated_targets.csv"]
    assert all(path.read_text(encoding="utf-8").startswith("# simulated") for path in tables)
    images = sorted(folder.glob("*.tif"))
    assert [path.name for path in images] == ["simulated_electron.ome.tif", "simulated_light.ome.tif"]
    for path in images:
        with tifffile.TiffFile(path) as file:
            assert 'Name="simulated beads' in str(file.ome_metadata)
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".csv", ".json", ".tif"}


def test_every_set_states_its_terms_and_its_address() -> None:
    registry: dict[str, dict[str, Any]] = datasets._registry()
    assert set(datasets.names()) == set(registry) == set(datasets._READERS)
    for entry in registry.values():
        assert entry["licence"] and entry["citation"] and entry["title"]
        assert entry["url"].startswith("https://raw.githubusercontent.com/") and entry["source"].startswith("https://github.com/")
        assert all(len(facts["sha256"]) == 64 for facts in entry["files"].values())


COUNTS = {
    "afids_templates": dict.fromkeys(["Agile12v2016 to Colin27", "Agile12v2016 to MNI152NLin2009bAsym",
                                      "Colin27 to MNI152NLin2009bAsym"], 32),
    "ebeam_grid_optical": {"grid_10x10": 100, "grid_missing_point": 100, "overlay_4_4_test_1": 16},
    "fafb_lm_em": {"v11": 150, "v14": 135},
    "mri_distortion_phantom": {"CT to MR": 336, "CT to MR, within 60 mm": 10, "CT to MR, within 100 mm": 11,
                               "MR, one polarity to the other": 336},
    "pyf2f_beads": {"Pos000_000": 92, "Pos001_000": 94, "Pos002_000": 93, "Pos003_000": 95, "all fields": 374},
    "sk42_sk95": {"SK-42 to SK-95": 20},
}


@pytest.mark.parametrize("name", COUNTS)
def test_sets_from_a_folder(shared_data: Path, name: str) -> None:
    found = datasets.load(name, shared_data)
    assert {key: pairs.n for key, pairs in found.pairs.items()} == COUNTS[name]
    assert all(path.is_file() for path in found.files.values())
    assert f"Licence: {found.licence}" in str(found) and f"Cite: {found.citation}" in str(found)
    assert datasets.load(name, shared_data / name).pairs.keys() == found.pairs.keys()


def test_histology_has_all_pairs_of_sections_and_both_annotators(shared_data: Path) -> None:
    pairs = datasets.load("histology_two_annotators", shared_data).pairs
    between = [key for key in pairs if " to " in key and "JB" not in key]
    assert len(between) == 76 and len(pairs) == 82
    assert {pairs[key].n for key in between} == {76, 77, 80, 89, 98}


def test_lung_warns_of_landmarks_at_one_place(shared_data: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RegistrationWarning)
        pairs = datasets.load("lung_4dct", shared_data).pairs
    assert "'88' and '156' lie at one place in the source" in str(caught[0].message)
    assert {key: p.n for key, p in pairs.items() if "dense" not in key} == dict.fromkeys(
        ["case 1, original", "case 1, improved", "case 6, original", "case 6, improved"], 300)


def test_unknown_names_and_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data set 'beads': choose one of afids_templates"):
        datasets.load("beads")
    with pytest.raises(InputError, match=r"does not hold the data set 'fafb_lm_em' \(missing: lm-em-landmarks_v11.csv"):
        datasets.load("fafb_lm_em", tmp_path)
    for name in ("SK-42-points.txt", "SK-95-points.txt"):
        (tmp_path / name).write_text("1 2 3\n")
    with pytest.raises(InputError, match=r"changed: SK-42-points\.txt, SK-95-points\.txt"):
        datasets.load("sk42_sk95", tmp_path)
    with pytest.raises(InputError, match="were measured from its images and are not published"):
        datasets.load("pyf2f_beads")


# Fetching


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the web: two files in a folder, registered as the data set 'sk42_sk95'."""
    pooch = pytest.importorskip("pooch")
    web, cache = tmp_path / "the web", tmp_path / "cache"
    web.mkdir()
    files = {}
    for name, text in {"SK-42-points.txt": TABLE, "SK-95-points.txt": TABLE.replace("1.0", "1.5")}.items():
        (web / name).write_text(text)
        files[name] = {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    entry = {"title": "t", "licence": "l", "citation": "c", "source": "s", "url": "https://example.org/a folder/", "files": files}
    monkeypatch.setattr(datasets, "_registry", lambda: {"sk42_sk95": entry})
    monkeypatch.setattr(pooch, "os_cache", lambda name: cache / name)

    def download(url: str, output: str, _: object) -> None:
        name = url.rpartition("/")[2]
        if not (web / name).exists():
            raise OSError("404 not found")
        Path(output).write_bytes((web / name).read_bytes())

    monkeypatch.setattr(pooch.core, "choose_downloader", lambda url, **_: download)
    return web


def test_files_are_fetched_once(published: Path) -> None:
    first = datasets.load("sk42_sk95")
    assert first.pairs["SK-42 to SK-95"].n == 2 and first.licence == "l"
    for path in published.iterdir():
        path.unlink()
    assert datasets.load("sk42_sk95").files == first.files


def test_a_file_that_is_gone_or_changed_is_refused(published: Path) -> None:
    (published / "SK-42-points.txt").write_text("something else")
    with pytest.raises(RegistrationError, match=r"could not be fetched from https://example\.org.* or give the folder"):
        datasets.load("sk42_sk95")
    (published / "SK-42-points.txt").unlink()
    with pytest.raises(RegistrationError, match="404 not found"):
        datasets.load("sk42_sk95")


def test_without_the_library_that_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pooch":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"needs pooch: pip install 'regerr\[io\]', or give the folder"):
        datasets.load("sk42_sk95")
