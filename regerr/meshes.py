"""Regions in space as surfaces, for programs that show them: PLY, OBJ and STL, each with its frame and unit.

Coordinates are those of the target, as pairs and targets hold them, in its unit: no axis is turned and nothing is centred.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, UnsupportedError
from .files import check_free, write_file, write_text
from .progress import watched

if TYPE_CHECKING:
    from .geometry.contours import Mesh
    from .reporting.forecasts import Forecast

_STL_LOSS = 1e-3  # of a mesh's size: the rounding of single precision that would show
_LONGEST = 60  # characters of a target's name in that of a file

Writer = Callable[["Mesh", Path, Sequence[str]], None]


@dataclass(frozen=True)
class Written:
    """One region as a file.

    Attributes
    ----------
    target : str
    kind : {"tre", "lre", "observation"}
    path : Path or None
        None where there is no surface: the region is unbounded everywhere, or a point.
    bounded : bool
        An unbounded region is cut off, and its surface open there.
    """

    target: str
    kind: str
    path: Path | None
    bounded: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"target": self.target, "kind": self.kind, "bounded": self.bounded,
                "file": None if self.path is None else self.path.name}


def write_regions(forecasts: Sequence[Forecast], folder: str | Path, *, format: str = "ply", resolution: int = 48,
                  force: bool = False) -> tuple[Written, ...]:
    """Write the region of each target in space as a mesh, and a list of them, ``regions.json``.

    Parameters
    ----------
    forecasts : sequence of Forecast
        Of one registration in 3D.
    folder : str or Path
        Made when it is not there.
    format : {"ply", "obj", "stl"}
    resolution : int
        Points around a surface.
    force : bool
        Whether to overwrite files that exist.

    Raises
    ------
    UnsupportedError
        In 2D, where regions have no surface.
    InputError
        For an unknown format, files that exist, and an STL that would round a small region far from the origin away.
    MissingExtraError
        Without scikit-image, where a region is no ellipsoid.
    """
    place, writer = Path(folder), _writer(format)
    plan = [(one, i, _names(one)[i]) for one in forecasts for i in range(len(one.names))]
    if forecasts[0].prediction.dimension != 3:
        raise UnsupportedError("these targets are 2D, and a region in the plane has no surface: draw it (regerr report), or ask "
                               "for its boundary in Python")
    files = [place / f"{one.kind}-{name}.{format}" for one, _, name in plan]
    index = place / "regions.json"
    for path in (*files, index):
        check_free(path, force)
    _make(place)
    written = tuple(_written(one, i, path, writer, resolution, force) for (one, i, _), path in
                    watched(list(zip(plan, files, strict=True)), "Meshes"))
    write_text(index, _index(forecasts[0], written), force=force)
    return written


def write_mesh(mesh: Mesh, path: str | Path, remarks: Sequence[str] = (), *, force: bool = False) -> None:
    """Write one surface in the format that its suffix names, with remarks where the format has a place for them."""
    place = Path(path)
    writer = _writer(place.suffix.lower().lstrip("."))
    write_file(place, lambda file: writer(mesh, file, remarks), force=force)


def _written(one: Forecast, i: int, path: Path, writer: Writer, resolution: int, force: bool) -> Written:
    bounded = bool(one.bounded[i])
    (mesh,) = one.region.at(i).boundary(resolution)
    if not len(mesh.faces):
        return Written(one.names[i], one.kind, None, bounded)
    remarks = [f"{100 * one.region.level:g} % region ({one.region.method.name}), {one.kind}, of target {_plain(one.names[i])}",
               f"target space, x y z as the pairs hold them, unit {_plain(one.prediction.unit)}"]
    remarks += [] if bounded else ["unbounded: cut off, and open there"]
    write_file(path, lambda file: writer(mesh, file, remarks), force=force)
    return Written(one.names[i], one.kind, path, bounded)


def _index(one: Forecast, written: Sequence[Written]) -> str:
    """The list of files, with what all of them share."""
    from . import __version__
    from .records import dumps

    data = {"made_by": f"regerr {__version__}", "frame": "target, x y z as the pairs hold them", "unit": one.prediction.unit,
            "level": one.region.level, "method": one.region.method.name, "regions": [each.to_dict() for each in written]}
    return dumps(data)


def _make(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the meshes")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise InputError(f"cannot make the folder {folder} ({fault.strerror or fault}): choose another place") from None


def _names(one: Forecast) -> list[str]:
    """Names of targets as parts of file names: letters, digits and few signs, none of them twice."""
    normal = (unicodedata.normalize("NFKC", name) for name in one.names)
    plain = [re.sub(r"[^\w.-]+", "_", name).strip("._")[:_LONGEST] or "target" for name in normal]
    count = Counter(name.casefold() for name in plain)
    return [name if count[name.casefold()] == 1 else f"{name}-{i}" for i, name in enumerate(plain, 1)]


def _plain(text: str) -> str:
    """A text of any file as one line of printable ASCII."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


# Formats


def _writer(format: str) -> Writer:
    if format not in WRITERS:
        raise InputError(f"the format of a mesh is {format!r}: use one of {', '.join(WRITERS)}")
    return WRITERS[format]


def _ply(mesh: Mesh, path: Path, remarks: Sequence[str]) -> None:
    """Binary little-endian PLY in double precision."""
    header = ["ply", "format binary_little_endian 1.0", *(f"comment {_plain(line)}" for line in remarks),
              f"element vertex {len(mesh.vertices)}", *(f"property double {axis}" for axis in "xyz"),
              f"element face {len(mesh.faces)}", "property list uchar int vertex_indices", "end_header"]
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    path.write_bytes("\n".join([*header, ""]).encode("ascii") + mesh.vertices.astype("<f8").tobytes() + faces.tobytes())


def _obj(mesh: Mesh, path: Path, remarks: Sequence[str]) -> None:
    """Wavefront OBJ: text, all digits, corners counted from 1."""
    lines = [*(f"# {_plain(line)}" for line in remarks), *(f"v {x!r} {y!r} {z!r}" for x, y, z in mesh.vertices.tolist()),
             *(f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()), ""]
    path.write_text("\n".join(lines), encoding="ascii", newline="\n")


def _stl(mesh: Mesh, path: Path, remarks: Sequence[str]) -> None:
    """Binary STL, which has single precision alone: refused where that would show."""
    size = float(np.ptp(mesh.vertices, axis=0).max())
    rounded = float(np.spacing(np.float32(np.abs(mesh.vertices).max())))
    if rounded > _STL_LOSS * size:
        raise InputError(f"{path.name}: an STL holds seven digits, and this region of size {size:.3g} lies as far as "
                         f"{np.abs(mesh.vertices).max():.6g} from the origin: write PLY or OBJ")
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    facets = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    facets["normal"] = np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)
    facets["corners"] = corners
    head = " ".join(map(_plain, remarks)).encode("ascii")[:80].ljust(80)
    path.write_bytes(head + np.uint32(len(corners)).tobytes() + facets.tobytes())


WRITERS: dict[str, Writer] = {"ply": _ply, "obj": _obj, "stl": _stl}
