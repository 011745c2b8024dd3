"""Regions in space as meshes: each format read back, in the target's own frame and unit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import regerr
from regerr import FiducialPairs, InputError, UnsupportedError
from regerr.cli import app
from regerr.geometry.contours import Mesh
from regerr.meshes import WRITERS, write_mesh, write_regions
from regerr.reporting.forecasts import Forecast, forecast, forecasts

NAMES = ("cell 1", "a/b", "../../etc", "A/B", "<b>", "", "\u03b1", "x" * 200)


def predicted(model: str = "affine", kind: str = "tre", names: tuple[str, ...] | None = None, shift: float = 0.0,
              method: str = "score") -> Forecast:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 100, (9, 3))
    result = regerr.fit(FiducialPairs(x, x + shift + rng.normal(0, 1, x.shape), source_unit="nm", target_unit="nm"), model)
    points = rng.uniform(0, 100, (len(names) if names else 2, 3))
    return forecast(result, points, kind, method=method, names=names)


def read_ply(path: Path) -> tuple[Mesh, list[str]]:
    head, _, body = path.read_bytes().partition(b"end_header\n")
    lines = head.decode("ascii").splitlines()
    counts = [int(n) for n in re.findall(r"element \w+ (\d+)", head.decode("ascii"))]
    vertices = np.frombuffer(body, "<f8", 3 * counts[0]).reshape(-1, 3)
    faces = np.frombuffer(body, [("n", "u1"), ("c", "<i4", 3)], counts[1], 24 * counts[0])
    assert len(body) == 24 * counts[0] + 13 * counts[1] and (faces["n"] == 3).all()
    return Mesh(vertices, faces["c"]), [line.removeprefix("comment ") for line in lines if line.startswith("comment ")]


def read_obj(path: Path) -> tuple[Mesh, list[str]]:
    lines = path.read_text(encoding="ascii").splitlines()
    vertices = [list(map(float, line.split()[1:])) for line in lines if line.startswith("v ")]
    faces = [list(map(int, line.split()[1:])) for line in lines if line.startswith("f ")]
    return Mesh(np.array(vertices), np.array(faces) - 1), [line[2:] for line in lines if line.startswith("#")]


def read_stl(path: Path) -> tuple[Mesh, list[str]]:
    data = path.read_bytes()
    facets = np.frombuffer(data, [("n", "<f4", 3), ("c", "<f4", (3, 3)), ("rest", "<u2")], offset=84)
    assert len(facets) == np.frombuffer(data, "<u4", 1, 80)[0]
    corners = facets["c"].reshape(-1, 3).astype(float)
    mesh = Mesh(corners, np.arange(len(corners)).reshape(-1, 3))
    turn = np.cross(facets["c"][:, 1] - facets["c"][:, 0], facets["c"][:, 2] - facets["c"][:, 0])
    assert (np.einsum("fi,fi->f", turn, facets["n"]) > 0).mean() > 0.99
    return mesh, [data[:80].decode("ascii").rstrip()]


READERS = {"ply": read_ply, "obj": read_obj, "stl": read_stl}


def content(mesh: Mesh) -> float:
    """Volume within a closed surface whose faces are seen counter-clockwise from outside."""
    about = mesh.vertices - mesh.vertices.mean(0)
    a, b, c = (about[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize(("model", "method"), [("affine", "score"), ("rigid", "wald"), ("rigid", "score")])
def test_a_mesh_read_back_encloses_its_region(tmp_path: Path, format: str, model: str, method: str) -> None:
    if method == "score" and model == "rigid":
        pytest.importorskip("skimage")
    one = predicted(model, method=method)
    for i, each in enumerate(write_regions([one], tmp_path, format=format)):
        assert each.path is not None and each.bounded
        mesh, remarks = READERS[format](each.path)
        assert content(mesh) == pytest.approx(float(one.volume[i]), rel=0.03)
        inside = one.mean[i] + 0.97 * (mesh.vertices - one.mean[i])
        beyond = one.mean[i] + 1.03 * (mesh.vertices - one.mean[i])
        for points, expected in ((inside, True), (beyond, False)):
            stacked = np.broadcast_to(one.mean, (len(points), *one.mean.shape)).copy()
            stacked[:, i] = points
            assert (one.region.contains(stacked)[:, i] == expected).all()
        assert "95 % region" in remarks[0]
        if format != "stl":
            assert "unit nm" in remarks[1] and "target space" in remarks[1]


def test_the_list_names_each_file_with_frame_and_unit(tmp_path: Path) -> None:
    one = predicted(names=NAMES)
    written = write_regions([one], tmp_path / "deep" / "meshes")
    index = json.loads((tmp_path / "deep" / "meshes" / "regions.json").read_text(encoding="utf-8"))
    assert index["unit"] == "nm" and index["frame"].startswith("target") and index["level"] == 0.95
    assert [region["target"] for region in index["regions"]] == list(NAMES)
    files = [region["file"] for region in index["regions"]]
    assert len({file.casefold() for file in files}) == len(NAMES)
    assert all(re.fullmatch(r"tre-[\w.-]+\.ply", file) and len(file) < 80 and ".." not in file for file in files)
    assert sorted(path.name for path in (tmp_path / "deep" / "meshes").iterdir()) == sorted([*files, "regions.json"])
    assert not list(tmp_path.glob("etc*")) and all(each.path is not None and each.path.is_file() for each in written)


def test_names_cannot_end_a_header(tmp_path: Path) -> None:
    one = predicted(names=("x\nend_header\nf 1 2 3", "y\rz"))
    for format in ("ply", "obj"):
        for each in write_regions([one], tmp_path, format=format, force=True):
            assert each.path is not None
            mesh, remarks = READERS[format](each.path)
            assert len(remarks) == 2 and len(mesh.faces) > 100


def test_far_from_the_origin_all_digits_stay(tmp_path: Path) -> None:
    near, far = predicted(), predicted(shift=1e7)
    for format in ("ply", "obj"):
        mesh, _ = READERS[format](write_regions([far], tmp_path, format=format, force=True)[0].path)  # type: ignore[arg-type]
        assert content(mesh) == pytest.approx(float(near.volume[0]), rel=0.03)
    with pytest.raises(InputError, match="write PLY or OBJ"):
        write_regions([far], tmp_path / "stl", format="stl")
    assert not list((tmp_path / "stl").iterdir())


def test_every_kind_has_its_own_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 100, (9, 3))
    found = forecasts(regerr.fit(FiducialPairs(x, x + rng.normal(0, 1, x.shape)), "affine"), x[:1])
    files = [each.path.name for each in write_regions(found, tmp_path) if each.path is not None]
    assert files == ["tre-1.ply", "lre-1.ply", "observation-1.ply"]


def test_refusals_are_one_sentence(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 100, (9, 2))
    flat = forecast(regerr.fit(FiducialPairs(x, x + rng.normal(0, 1, x.shape))), x[:1], "tre")
    with pytest.raises(UnsupportedError, match="these targets are 2D"):
        write_regions([flat], tmp_path / "a")
    with pytest.raises(InputError, match=r"'fbx'.*ply, obj, stl"):
        write_regions([predicted()], tmp_path / "a", format="fbx")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file: give a folder"):
        write_regions([predicted()], tmp_path / "file")
    write_regions([predicted()], tmp_path / "b")
    with pytest.raises(InputError, match="already exists"):
        write_regions([predicted()], tmp_path / "b")
    assert not (tmp_path / "a").exists()


def test_one_mesh_by_its_suffix(tmp_path: Path) -> None:
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    for format in WRITERS:
        write_mesh(mesh, tmp_path / f"m.{format}", ["one", "two"])
        found, _ = READERS[format](tmp_path / f"m.{format}")
        np.testing.assert_allclose(found.vertices[found.faces], mesh.vertices[mesh.faces])


def test_the_command_writes_meshes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 100, (9, 3))
    rows = "\n".join(",".join(f"{v:.4f}" for v in (*a, *b)) for a, b in zip(x, x + rng.normal(0, 1, x.shape), strict=True))
    (tmp_path / "beads.csv").write_text("x_source,y_source,z_source,x_target,y_target,z_target\n" + rows)
    (tmp_path / "targets.csv").write_text("name,x,y,z\ncell,50,50,50\n")
    arguments: list[Any] = ["predict", str(tmp_path / "beads.csv"), "--targets", str(tmp_path / "targets.csv"), "--model",
                            "affine", "--mesh", str(tmp_path / "meshes"), "--mesh-format", "obj"]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0 and "Wrote 3 meshes into" in run.stderr
    assert len(list((tmp_path / "meshes").glob("*.obj"))) == 3
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2 and "already exists" in again.stderr
