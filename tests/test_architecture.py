"""How the packages fit together: which imports which, what a plain import loads, and where random numbers come from."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import regerr

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("regerr", "simulations", "validation", "paper_figures")  # each imports only itself and what stands before it
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORT_NAMES = {"python-calamine": "python_calamine", "scikit-image": "skimage"}  # imported under another name than installed

PUBLIC_NAMES = {
    "Camera",
    "ErrorMap",
    "Failure",
    "FiducialPairs",
    "InputError",
    "Matching",
    "MissingExtraError",
    "Noise",
    "Points",
    "RegistrationError",
    "RegistrationResult",
    "RegistrationWarning",
    "Repeats",
    "Spots",
    "Transform",
    "UndeterminedError",
    "UnsupportedError",
    "Unused",
    "__version__",
    "audit",
    "check",
    "check_transform",
    "compare_models",
    "compare_scale",
    "datasets",
    "detect",
    "fit",
    "load",
    "match",
    "match_surface",
    "plotting",
    "read_image",
    "read_pairs",
    "read_points",
    "read_repeats",
    "read_transform",
    "remove_outliers",
    "report",
    "suspects",
    "write_pairs",
    "write_points",
    "write_regions",
    "write_transform",
}


# What a module imports


def imports(nodes: Iterable[ast.AST], package: tuple[str, ...] = ()) -> Iterator[str]:
    """Absolute names of all modules that some nodes import, by statement or by ``import_module("...")``."""
    for node in nodes:
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names, level):
                above = package[: len(package) - level + 1] if level else ()
                base = ".".join([*above, *([module] if module else [])])
                yield from (f"{base}.{alias.name}" for alias in names)
            case ast.Call(func, [ast.Constant(value), *_]) if ast.unparse(func).endswith(("import_module", "__import__")):
                yield str(value)


def at_load(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is loaded: no bodies of functions, nothing that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test, _, orelse) if ast.unparse(test).endswith("TYPE_CHECKING"):
                yield from at_load(ast.Module(orelse, []))
            case _:
                yield child
                yield from at_load(child)


def upward(source: str, package: tuple[str, ...]) -> set[str]:
    """Packages above its own that a module imports, early or late."""
    found = {name.partition(".")[0] for name in imports(ast.walk(ast.parse(source)), package)}
    return found & {*LAYERS[LAYERS.index(package[0]) + 1 :], "tests", "conftest"}


def foreign(nodes: Iterable[ast.AST], package: tuple[str, ...]) -> set[str]:
    """Imported packages that are neither the standard library's nor the project's."""
    found = {name.partition(".")[0] for name in imports(nodes, package)}
    return found - set(sys.stdlib_module_names) - set(LAYERS)


def distributions(requirements: list[str]) -> set[str]:
    """Import names of a list of requirements, this project's own extras left out."""
    names = {re.match(r"[\w.-]+", line).group() for line in requirements}  # type: ignore[union-attr]
    return {IMPORT_NAMES.get(name, name) for name in names} - {"regerr"}


def package_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).parent.parts


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


CORE = distributions(PROJECT["dependencies"])
EXTRAS = {extra: distributions(lines) for extra, lines in PROJECT["optional-dependencies"].items()}
RUNTIME = CORE.union(*(names for extra, names in EXTRAS.items() if extra not in {"test", "lint"}))


def by_path(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=by_path)
def test_imports_go_one_way(path: Path) -> None:
    assert not upward(path.read_text(encoding="utf-8"), package_of(path))


@pytest.mark.parametrize("path", MODULES, ids=by_path)
def test_what_is_imported_is_declared(path: Path) -> None:
    """Nothing comes in by way of another dependency, and only tests may use what the test extra brings."""
    assert foreign(ast.walk(tree_of(path)), package_of(path)) <= RUNTIME


@pytest.mark.parametrize("path", [path for path in MODULES if package_of(path)[0] == "regerr"], ids=by_path)
def test_the_library_loads_with_its_core_dependencies_alone(path: Path) -> None:
    """Optional libraries are imported inside the functions that need them."""
    assert foreign(at_load(tree_of(path)), package_of(path)) <= CORE


@pytest.mark.parametrize("source", [
    "import validation.cli",
    "from simulations import layouts",
    "def late():\n    from paper_figures.style import COLOURS",
    "class A:\n    def late(self):\n        import simulations as s",
    "import importlib\nimportlib.import_module('validation.runner')",
])
def test_an_import_upward_is_seen(source: str) -> None:
    assert upward(source, ("regerr", "io"))


@pytest.mark.parametrize("source", ["import validation2", "from . import validation", "from ..simulations import x",
                                    "'import validation'", "from numpy import validation", "f('validation')"])
def test_an_import_that_only_looks_upward_is_not(source: str) -> None:
    assert not upward(source, ("regerr", "io"))


@pytest.mark.parametrize(("source", "loaded"), [
    ("import pandas", True),
    ("try:\n    import pandas\nexcept ImportError:\n    pandas = None", True),
    ("class A:\n    import pandas", True),
    ("if TYPE_CHECKING:\n    import pandas\nelse:\n    import pandas", True),
    ("def late():\n    import pandas", False),
    ("class A:\n    async def late(self):\n        import pandas", False),
    ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas", False),
])
def test_an_import_at_load_is_told_from_a_later_one(source: str, loaded: bool) -> None:
    assert ("pandas" in foreign(at_load(ast.parse(source)), ("regerr",))) is loaded


# What a plain import loads

SLOW = ("scipy.stats", "pandas", "matplotlib", "seaborn", "pyarrow", "joblib", "skimage", "tifffile", "pooch")
HELP = """
import contextlib, io
from regerr.cli import main
sys.argv = ["regerr", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as shown:
    try:
        code = main()
    except SystemExit as stop:
        code = stop.code
assert not code, code
assert "Usage" in shown.getvalue(), shown.getvalue()
"""


def loaded_by(code: str) -> set[str]:
    """Names of all modules that a fresh interpreter holds after running some code."""
    script = f"import sys\n{code}\nimport json\nprint(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_importing_the_library_loads_nothing_slow() -> None:
    assert not loaded_by("import regerr").intersection(SLOW)


def test_help_loads_no_numerical_library() -> None:
    """``regerr --help`` answers at once: it lists its commands from the metadata and loads none of them."""
    if not (ROOT / "regerr" / "cli.py").exists():
        pytest.skip("regerr/cli.py is not there yet")
    assert not loaded_by(HELP).intersection([*SLOW, "numpy", "scipy", "simulations", "validation"])


def test_a_slow_import_is_seen() -> None:
    assert "scipy.stats" in loaded_by("import scipy.stats")


# Where random numbers come from

SEEDED = {"BitGenerator", "Generator", "MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64", "SeedSequence", "bit_generator",
          "default_rng"}


def global_random(source: str) -> set[str]:
    """Uses of a random state that all of a program shares: numpy's legacy functions, and the standard ``random``."""
    tree = ast.parse(source)
    numpy_names = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names if a.name == "numpy"}
    imported = set(imports(ast.walk(tree)))
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | imported
    prefixes = "|".join(["numpy", *numpy_names])
    drawn = {found for name in names for found in re.findall(rf"^(?:{prefixes})\.random\.(\w+)", name)}
    return (drawn - SEEDED) | {name for name in imported if name.partition(".")[0] == "random"}


@pytest.mark.parametrize("path", MODULES + TESTS, ids=by_path)
def test_no_module_uses_a_global_random_state(path: Path) -> None:
    assert not global_random(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("source", [
    "import numpy as np\nnp.random.seed(0)",
    "import numpy\nx = numpy.random.normal(size=3)",
    "from numpy.random import rand",
    "import numpy as xp\ndef f(): return xp.random.RandomState(1).rand()",
    "import random",
    "from random import gauss",
])
def test_a_global_random_state_is_seen(source: str) -> None:
    assert global_random(source)


@pytest.mark.parametrize("source", [
    "import numpy as np\nrng = np.random.default_rng(1)\nrng.normal()",
    "from numpy.random import Generator, SeedSequence",
    "import numpy as np\ndef draw(random: np.random.Generator): return random.normal()",
])
def test_a_generator_is_not_a_global_random_state(source: str) -> None:
    assert not global_random(source)


# What the library promises


def test_the_public_names_are_these() -> None:
    """A name that joins or leaves is a decision, taken here as well."""
    assert set(regerr.__all__) == PUBLIC_NAMES
    assert len(regerr.__all__) == len(PUBLIC_NAMES)


@pytest.mark.parametrize("name", sorted(PUBLIC_NAMES))
def test_each_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(regerr, name).__doc__
    assert name in dir(regerr)


def test_other_packages_add_their_commands_through_the_metadata() -> None:
    added = {point.name: point.value for point in entry_points(group="regerr.commands")}
    assert added == {"simulate": "simulations.cli:app", "study": "validation.cli:app"}
    assert PROJECT["entry-points"]["regerr.commands"] == added


def test_all_extras_but_the_cluster_are_in_all() -> None:
    listed = re.fullmatch(r"regerr\[(.*)\]", *PROJECT["optional-dependencies"]["all"])
    assert listed is not None
    assert set(listed.group(1).split(",")) == set(EXTRAS) - {"all", "dask"}


def test_every_dependency_is_pinned_once_and_by_name_and_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [re.fullmatch(r"([\w.-]+)==[\w.]+", line) for line in lines if not line.startswith("#")]
    assert all(pins)
    names = [pin.group(1).lower().replace("_", "-") for pin in pins if pin]
    assert len(names) == len(set(names))
    extras = {extra: lines for extra, lines in PROJECT["optional-dependencies"].items() if extra not in {"all", "dask"}}
    wanted = [*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)]
    assert {line.partition(">")[0] for line in wanted} <= set(names)
