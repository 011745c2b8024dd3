"""The README's examples run as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language: str, containing: str) -> list[str]:
    """Code blocks of a language that hold a text."""
    return [b for b in re.findall(rf"```{language}\n(.*?)```", TEXT, re.S) if containing in b]


def run(command: list[str], folder: Path) -> str:
    """Standard output of a command that must succeed, in a folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=240,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_example_runs_and_answers(tmp_path):
    (block,) = blocks("python", "datasets.example()")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    said = run([sys.executable, "-W", "error", "-c", block], tmp_path)
    assert "FLE" in said
    assert "True" in said


def test_the_shell_example_runs_line_by_line(tmp_path):
    (block,) = blocks("sh", "regerr fit")
    lines = block.strip().splitlines()
    assert len(lines) == 5
    for line in lines:
        run(line.split(), tmp_path)
    assert (tmp_path / "demo" / "map.png").stat().st_size > 10_000
    assert (tmp_path / "demo" / "result.json").exists()


def test_the_estimator_of_the_readme_joins_a_study(tmp_path):
    (block,) = blocks("python", "estimator = FreDisk()")
    (tmp_path / "my_estimator.py").write_text(block, encoding="utf-8")
    (command,) = blocks("sh", "--estimator")
    said = run(command.split(), tmp_path)
    assert "FRE taken for TRE" in said
    assert "fre-disk" in (tmp_path / "results-quick" / "icip" / "summary.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("picture", re.findall(r"!\[.*?\]\((.*?)\)", TEXT, re.S))
def test_the_pictures_are_there(picture):
    assert (README.parent / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z-]+)", TEXT) + re.findall(r"^make ([a-z-]+)", TEXT, re.M))
def test_the_make_targets_exist(target):
    assert re.search(rf"^{target}:", (README.parent / "Makefile").read_text(encoding="utf-8"), re.M)
