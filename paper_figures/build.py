"""Draw all figures of a folder of results, and write them with their captions and the page that shows them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pandas as pd

from regerr.errors import InputError

from . import page, style
from .page import Drawn

# In the order of a paper
FIGURES = (
    "distance_coverage_gathered", "distance_coverage_uniform", "distance_area_gathered", "distance_area_uniform",
    "boxes_gathered", "boxes_uniform", "coverage_table", "coverage_n_icip", "beads", "map", "coverage_n_regions",
    "noise_rigid", "noise_similarity", "noise_affine", "verdicts_icip", "verdicts_regions",
    "trust_observation", "trust_tre", "size_observation", "size_tre", "deformation_tests", "chain",
)
LONG = ("grand", "deformation", "chain")  # studies that take hours: their figures are drawn where their tables are


def build(results: Path) -> Path:
    """Write ``figures/`` and ``index.html`` into a folder of results; returns the page.

    Raises
    ------
    InputError
        When tables are missing (all of them are named) or unreadable, or the folder cannot be written to.
    """
    modules = {name: module for name in FIGURES if _wanted(module := _module(name), results)}
    tables = read(results, sorted({need for module in modules.values() for need in module.NEEDS}))
    index, folder = results / "index.html", results / "figures"
    try:
        folder.mkdir(exist_ok=True)
        drawn = [_write(name, module, tables, folder) for name, module in modules.items()]
        _write_text(folder / "captions.md", "".join(f"**{d.title}.** {d.caption}\n\n" for d in drawn))
        _write_text(index, page.page(drawn, tables, _linked(results, tables)))
    except OSError as fault:
        raise InputError(f"cannot write the figures into {results} ({fault.strerror or fault}): make room or mend the "
                         "permissions there, or copy the results elsewhere") from None
    return index


def _wanted(module: ModuleType, results: Path) -> bool:
    """Whether a figure is drawn, or its tables are missed when they are not there."""
    studies = {need.partition("/")[0] for need in module.NEEDS}
    return not studies.intersection(LONG) or all((results / f"{need}.parquet").is_file() for need in module.NEEDS)


def read(results: Path, names: list[str]) -> dict[str, pd.DataFrame]:
    """Tables by name (``study/table``), or an InputError that names all that are missing."""
    paths = {name: results / f"{name}.parquet" for name in names}
    missing = [name for name, path in paths.items() if not path.is_file()]
    if missing:
        studies = sorted({name.split("/")[0] for name in missing})
        commands = " and ".join(f"regerr study {study} --output {results}" for study in studies)
        raise InputError(f"{results} lacks the tables {', '.join(missing)}: run {commands}")
    return {name: _table(path) for name, path in paths.items()}


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as fault:
        raise InputError(f"{path} cannot be read as a Parquet table ({str(fault).splitlines()[0]}): delete it and run "
                         f"regerr study {path.parent.name} --output {path.parent.parent}") from None


def _write(name: str, module: ModuleType, tables: dict[str, pd.DataFrame], folder: Path) -> Drawn:
    """Write a figure under temporary names, then rename its files: what is there is whole."""
    with TemporaryDirectory(prefix=".unfinished-", dir=folder) as unfinished:
        files = list(style.save(module.draw(tables), Path(unfinished), name))
        for suffix, make in getattr(module, "EXTRAS", {}).items():
            files.append(Path(unfinished) / f"{name}.{suffix}")
            files[-1].write_text(make(tables), encoding="utf-8")
        for path in files:
            os.replace(path, folder / path.name)
    return Drawn(name, module.TITLE, module.caption(tables), tuple(path.name for path in files))


def _write_text(path: Path, text: str) -> None:
    with TemporaryDirectory(prefix=".unfinished-", dir=path.parent) as unfinished:
        whole = Path(unfinished) / path.name
        whole.write_text(text, encoding="utf-8")
        os.replace(whole, path)


def _linked(results: Path, tables: Iterable[str]) -> list[str]:
    """Tables of the studies that were drawn, relative to the results; as Parquet those that have no CSV beside them."""
    studies = sorted({name.partition("/")[0] for name in tables})
    csv = [path for study in studies for path in (results / study).glob("*.csv")]
    others = [path for study in studies for path in (results / study).glob("*.parquet") if path.with_suffix(".csv") not in csv]
    return sorted(path.relative_to(results).as_posix() for path in [*csv, *others])


def _module(name: str) -> ModuleType:
    return import_module(f"{__package__}.figures.{name}")
