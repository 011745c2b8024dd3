"""Data sets by name: one simulated example inside the package, and public real sets fetched on demand.

Nothing real is shipped: :func:`load` fetches the files from their public repositories at a fixed commit and compares checksums,
or takes them from a folder. Each set keeps its own licence; say where it is from when you use it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from .errors import InputError, MissingExtraError, RegistrationError
from .io import Points, read_pairs, read_points
from .pairs import FiducialPairs

Registrations = dict[str, FiducialPairs]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A real data set.

    Attributes
    ----------
    name, title : str
    licence, citation, source : str
        The terms it comes under, whom to cite, and its address.
    files : dict
        The path of each file by its name.
    pairs : dict
        The registrations in it, by name.
    """

    name: str
    title: str
    licence: str
    citation: str
    source: str
    files: Mapping[str, Path]
    pairs: Registrations

    def __str__(self) -> str:
        return (f"{self.name}: {self.title}\n{len(self.pairs)} registrations\nLicence: {self.licence}\nCite: {self.citation}\n"
                f"Source: {self.source}")


def names() -> tuple[str, ...]:
    """The data sets that :func:`load` knows."""
    return tuple(_registry())


def load(name: str, folder: str | os.PathLike[str] | None = None) -> Dataset:
    """A public real data set.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    folder : path, optional
        Take the files from here (or from the subfolder of that name) instead of fetching them; they must be unchanged.

    Returns
    -------
    Dataset
        ``print`` shows its licence and citation.

    Raises
    ------
    InputError
        For an unknown name, and for files that are missing or differ from the published ones.
    MissingExtraError
        When the library that fetches files is not installed.
    RegistrationError
        When a file cannot be fetched.
    """
    if name not in _registry():
        raise InputError(f"there is no data set {name!r}: choose one of {', '.join(names())}")
    entry = _registry()[name]
    files = _fetched(name, entry) if folder is None else _local(name, entry, Path(folder))
    return Dataset(name, entry["title"], entry["licence"], entry["citation"], entry["source"], files, _READERS[name](files))


def example() -> FiducialPairs:
    """Twelve simulated beads in two images (2D, µm): a rotation of 20 degrees, a shift, 0.05 µm noise per coordinate in each."""
    with resources.as_file(_packaged("simulated_beads.csv")) as path:
        return read_pairs(path)


def example_targets() -> Points:
    """Six simulated targets in the source image of :func:`example`; the last lies outside the beads."""
    with resources.as_file(_packaged("simulated_targets.csv")) as path:
        return read_points(path)


def _packaged(name: str) -> Any:
    return resources.files("regerr") / "data" / name


@cache
def _registry() -> dict[str, dict[str, Any]]:
    return dict(json.loads(_packaged("datasets.json").read_text(encoding="utf-8")))


def _local(name: str, entry: dict[str, Any], folder: Path) -> dict[str, Path]:
    root = folder / name if (folder / name).is_dir() else folder
    missing = [file for file in entry["files"] if not (root / file).is_file()]
    changed = [file for file, facts in entry["files"].items() if file not in missing and _sha256(root / file) != facts["sha256"]]
    faults = [f"{what}: {', '.join(files[:5])}{f' and {len(files) - 5} more' if len(files) > 5 else ''}"
              for what, files in (("missing", missing), ("changed", changed)) if files]
    if faults:
        raise InputError(f"{root} does not hold the data set {name!r} ({'; '.join(faults)}): give the folder that holds the "
                         "published files")
    return {file: root / file for file in entry["files"]}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fetched(name: str, entry: dict[str, Any]) -> dict[str, Path]:
    unpublished = [file for file, facts in entry["files"].items() if facts.get("remote", file) is None]
    if unpublished:
        raise InputError(f"the pairs of {name!r} were measured from its images and are not published: give the folder that holds "
                         f"{', '.join(unpublished)}")
    try:
        import pooch
    except ImportError:
        raise MissingExtraError(f"fetching {name!r} needs pooch: pip install 'regerr[io]', or give the folder that "
                                "holds it") from None
    store = pooch.create(path=pooch.os_cache("regerr") / name, base_url="",
                         registry={file: f"sha256:{facts['sha256']}" for file, facts in entry["files"].items()},
                         urls={file: entry["url"] + quote(facts.get("remote", file)) for file, facts in entry["files"].items()})
    try:
        return {file: Path(store.fetch(file)) for file in entry["files"]}
    except (OSError, ValueError) as fault:  # no network, no such page; another checksum
        raise RegistrationError(f"{name!r} could not be fetched from {entry['url']} ({fault}): try again, or give the folder "
                                "that holds it") from None


def _afids(files: Mapping[str, Path]) -> Registrations:
    """Template to template, the median of all placements of each landmark."""
    placed: dict[str, dict[str, list[Any]]] = {}
    for file, path in files.items():
        points = read_points(path)
        landmarks = placed.setdefault(file.split("_")[0], {})
        # One file has the label 7 twice, which the reader tells apart by row: the later one counts.
        own = {label.split(" ")[0]: x for label, x in zip(points.names, points.points, strict=True)}
        for label, x in (own | {u.name: np.array(u.source) for u in points.unused}).items():
            landmarks.setdefault(label, []).append(x)
    medians = {template: {label: np.median(x, axis=0) for label, x in landmarks.items()}
               for template, landmarks in placed.items()}
    labels = tuple(sorted(next(iter(medians.values())), key=int))
    stacked = {template: np.array([median[label] for label in labels]) for template, median in medians.items()}
    return {f"{a} to {b}": FiducialPairs(stacked[a], stacked[b], labels, "mm", "mm")
            for a, b in itertools.combinations(stacked, 2)}


def _ebeam(files: Mapping[str, Path]) -> Registrations:
    columns = ("column_index", "row_index", "x_px", "y_px")
    return {file.split(".")[0]: read_pairs(path, columns=columns, source_unit="grid steps", target_unit="px")
            for file, path in files.items() if file.endswith(".csv")}


def _fafb(files: Mapping[str, Path]) -> Registrations:
    return {version: read_pairs(files[f"lm-em-landmarks_{version}.csv"], source_unit="voxel", target_unit=unit)
            for version, unit in (("v11", "EM unit"), ("v14", "nm"))}


def _histology(files: Mapping[str, Path]) -> Registrations:
    """All pairs of sections of a tissue by one annotator (PS), and that annotator against the other (JB) in one image."""
    sections: dict[tuple[str, str], dict[str, Path]] = {}
    for file, path in files.items():
        tissue, user, image = file.split("/")
        sections.setdefault((tissue, user[5:7]), {})[image.removesuffix(".csv")] = path
    out: Registrations = {}
    for (tissue, user), images in sections.items():
        if user == "PS":
            out |= {f"{tissue}: {a} to {b}": read_pairs(images[a], images[b], partial=True)
                    for a, b in itertools.combinations(sorted(images), 2)}
        else:
            out |= {f"{tissue}: {a}, JB to PS": read_pairs(path, sections[tissue, "PS"][a], partial=True)
                    for a, path in images.items()}
    return out


def _lung(files: Mapping[str, Path]) -> Registrations:
    from scipy.io import loadmat
    spacing = np.array([0.97, 0.97, 2.5])  # mm; the files hold voxel indices in the order y, x, z

    def pairs(file: str, target_key: str) -> FiducialPairs:
        data = loadmat(files[file])
        source, target = (data[key][:, [1, 0, 2]] * spacing for key in ("landmark_EE", target_key))
        return FiducialPairs(source, target, source_unit="mm", target_unit="mm")

    out = {}
    for case in (1, 6):
        out[f"case {case}, original"] = pairs(f"new_landmark_pairs_case{case}.mat", "landmark_dirlab_EI")
        out[f"case {case}, improved"] = pairs(f"new_landmark_pairs_case{case}.mat", "landmark_new_EI")
        out[f"case {case}, dense"] = pairs(f"dense_case{case}.mat", "landmark_EI")
    return out


def _phantom(files: Mapping[str, Path]) -> Registrations:
    def columns(kind: str) -> tuple[str, ...]:
        return tuple(f"{axis}_{kind}" for axis in "xyz")

    path = files["Matched_Markers.csv"]
    whole = read_pairs(path, columns=columns("gt") + columns("gnl"), source_unit="mm", target_unit="mm")
    shift = read_points(path, columns=columns("B0")).points  # half the difference of the two readout polarities
    radius = np.linalg.norm(whole.source, axis=1)
    near = {f"CT to MR, within {r} mm": _part(whole, radius < r) for r in (60, 100)}
    polarities = FiducialPairs(whole.target + shift, whole.target - shift, whole.names, "mm", "mm")
    return {"CT to MR": whole, **near, "MR, one polarity to the other": polarities}


def _beads(files: Mapping[str, Path]) -> Registrations:
    path = files["derived_pairs.csv"]
    whole = read_pairs(path, columns=("x_mcherry", "y_mcherry", "x_gfp", "y_gfp"), source_unit="px", target_unit="px")
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    field = np.array([row.split(",")[0].split("-")[-1].split(".")[0] for row in rows])
    return {name: _part(whole, field == name) for name in dict.fromkeys(field.tolist())} | {"all fields": whole}


def _part(pairs: FiducialPairs, kept: np.ndarray) -> FiducialPairs:
    return FiducialPairs(pairs.source[kept], pairs.target[kept], tuple(itertools.compress(pairs.names, kept)),
                         pairs.source_unit, pairs.target_unit)


def _geodesy(files: Mapping[str, Path]) -> Registrations:
    return {"SK-42 to SK-95": read_pairs(files["SK-42-points.txt"], files["SK-95-points.txt"], source_unit="m", target_unit="m")}


_READERS: dict[str, Callable[[Mapping[str, Path]], Registrations]] = {
    "afids_templates": _afids, "ebeam_grid_optical": _ebeam, "fafb_lm_em": _fafb, "histology_two_annotators": _histology,
    "lung_4dct": _lung, "mri_distortion_phantom": _phantom, "pyf2f_beads": _beads, "sk42_sk95": _geodesy,
}
