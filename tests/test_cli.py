"""The command line as a person uses it: every command on the example and on measured files, and every way to get it wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import regerr
from regerr import cli
from regerr.commands import shell
from regerr.errors import MissingExtraError

EXAMPLE = Path(regerr.__file__).parent / "data"
BEADS, TARGETS = EXAMPLE / "simulated_beads.csv", EXAMPLE / "simulated_targets.csv"
AFFINE = ("--model", "affine", "--noise", "target")


def run(*arguments: object):
    """A command in this process."""
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def program(*arguments: object, **options):
    """The program itself, in a process of its own."""
    code = "import sys; from regerr.cli import main; sys.argv[0] = 'regerr'; main()"
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], text=True, check=False, **options)


def assert_refused(done, *words: str) -> None:
    """Exit code 2 and one line, with the words."""
    assert done.exit_code == 2, done.output
    assert done.stdout == "" and done.stderr.count("\n") == 1 and done.stderr.startswith("Error: ")
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.output


# Every command, end to end


def test_fit():
    done = run("fit", BEADS, "--targets", TARGETS)
    assert done.exit_code == 0 and done.stderr == ""
    assert done.stdout.startswith("At the centre of the 12 fiducials") and "vesicle 1" in done.stdout and "bead 12" in done.stdout
    assert "µm" in done.stdout


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_fit_as_json_is_what_the_library_says(model):
    done = run("fit", BEADS, "--model", model, "--targets", TARGETS, "--json")
    data = json.loads(done.stdout)
    result = regerr.fit(regerr.read_pairs(BEADS), model)
    assert data == json.loads(json.dumps(result.to_dict() | {"predictions": data["predictions"], "verdict": data["verdict"]}))
    assert [p["role"] for p in data["predictions"]] == ["centre", "edge"] + 6 * ["target"]


def test_fit_saves_and_every_command_reads_it_back(tmp_path):
    place = tmp_path / "out.json"
    done = run("fit", BEADS, *AFFINE, "--output", place)
    assert done.exit_code == 0 and f"Saved as {place}." in done.stderr
    assert regerr.load(place).model.card.name == "affine"
    again = run("fit", place)
    assert again.stdout == done.stdout
    assert run("predict", place, "--targets", TARGETS).stdout == run("predict", BEADS, *AFFINE, "--targets", TARGETS).stdout
    assert run("map", place, "--output", tmp_path / "map.png").exit_code == 0 and (tmp_path / "map.png").exists()
    assert run("test", place).stdout == run("test", BEADS, "--noise", "target").stdout
    assert "Transformation: rigid" in run("fit", place, "--model", "rigid").stdout


def test_the_way_back():
    """--swap registers the target to the source: the inverse, in its units."""
    there, back = (json.loads(run("fit", BEADS, "--model", "similarity", "--json", *more).stdout) for more in ((), ("--swap",)))
    assert np.allclose(np.array(there["transform"]["matrix"]) @ back["transform"]["matrix"], np.eye(2), atol=1e-9)


def test_the_way_back_of_a_saved_registration(tmp_path):
    """Its model stays, and its noise moves to the other space with the pairs."""
    run("fit", BEADS, *AFFINE, "--output", tmp_path / "a.json")
    data = json.loads(run("fit", tmp_path / "a.json", "--swap", "--json").stdout)
    assert data["model"] == "affine" and data["noise"]["ratio"] == "inf"


def test_exclude_shows_before_and_after():
    done = run("fit", BEADS, "--exclude", "bead 6", "--exclude", "bead 10")
    text = " ".join(done.stdout.split())
    assert text.startswith("Without 'bead 6', 'bead 10' before after fiducials 12 10")
    assert "Not used: 2 of 12 pairs, 'bead 6', 'bead 10' (excluded)." in text
    data = json.loads(run("fit", BEADS, "--exclude", "bead 6", "--json").stdout)
    assert data["n"] == 11 and data["pairs"]["unused"][0]["name"] == "bead 6"


def test_two_files(tmp_path):
    """The same pairs, one file per space."""
    pairs = regerr.read_pairs(BEADS)
    for space in ("source", "target"):
        rows = [f"{name},{x},{y}" for name, (x, y) in zip(pairs.names, getattr(pairs, space).tolist(), strict=True)]
        (tmp_path / f"{space}.csv").write_text("\n".join(["name,x,y", *rows]) + "\n")
    one = json.loads(run("fit", tmp_path / "source.csv", tmp_path / "target.csv", "--source-unit", "µm", "--target-unit", "µm",
                         "--json").stdout)
    assert one == json.loads(run("fit", BEADS, "--json").stdout)


def test_predict_answers_all_three_questions():
    done = run("predict", BEADS, *AFFINE, "--targets", TARGETS)
    assert done.exit_code == 0
    assert [done.stdout.count(word) for word in ("TRE:", "LRE:", "Observation:", "vesicle 1", "95 % radius")] == [1, 1, 1, 3, 3]


def test_predict_one_kind_level_and_method():
    done = run("predict", BEADS, "--targets", TARGETS, "--kind", "observation", "--level", "0.99", "--method", "wald")
    assert "99 % radius" in done.stdout and "wald method" in done.stdout and "TRE:" not in done.stdout
    data = json.loads(run("predict", BEADS, "--targets", TARGETS, "--kind", "observation", "--level", "0.99", "--method", "wald",
                          "--json").stdout)
    (one,) = data["predictions"]
    result = regerr.fit(regerr.read_pairs(BEADS))
    where = result.predict(regerr.read_points(TARGETS).points, "observation")
    assert np.allclose([t["rms"] for t in one["targets"]], where.rms)
    assert np.allclose([t["volume"] for t in one["targets"]], where.region(0.99, "wald").volume)


def test_predict_without_a_share_of_the_noise_says_so():
    done = run("predict", BEADS, "--model", "affine", "--noise", "full", "--targets", TARGETS)
    assert done.exit_code == 0 and done.stderr.startswith("Note: lre is left out") and "LRE:" not in done.stdout


def test_map_writes_values_and_a_picture(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    done = run("map", BEADS, *AFFINE, "--size", "40x30", "--spacing", "2", "--origin", "-5,5", "--output", tmp_path / "a.ome.tif",
               "--output", tmp_path / "a.png")
    assert done.exit_code == 0 and "40 x 30 pixels of 2.00 x 2.00 µm in the source" in " ".join(done.stdout.split())
    values = tifffile.imread(tmp_path / "a.ome.tif")
    result = regerr.fit(regerr.read_pairs(BEADS), "affine", "target")
    assert np.array_equal(values, result.error_map((30, 40), 2.0, (-5.0, 5.0)).values)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ome.tif", "a.png"]


def test_map_of_the_radius_in_the_target(tmp_path):
    done = run("map", BEADS, *AFFINE, "--quantity", "radius", "--level", "0.9", "--space", "target", "--size", "10x10",
               "--output", tmp_path / "a.tif")
    assert done.exit_code == 0 and "90 % radius (µm)" in done.stdout and "in the target" in done.stdout


def test_test():
    done = run("test", BEADS)
    assert done.exit_code == 0 and done.stdout.startswith("Take a rigid model")
    data = json.loads(run("test", BEADS, "--json").stdout)
    expected = regerr.compare_models(regerr.read_pairs(BEADS), "rigid", "affine")
    assert data["simplest"] == "rigid" and data["comparisons"][2]["p_value"] == pytest.approx(float(expected.p_value))


def test_noise_options():
    data = json.loads(run("fit", BEADS, "--noise-ratio", "0.5", "--noise-sd", "0.2", "--json").stdout)
    assert data["noise"]["ratio"] == 0.5 and data["noise"]["scale"] == 0.2
    assert data["fle_rms"] == pytest.approx(0.2 * np.sqrt(2))


def test_simulate_writes_what_fit_reads(tmp_path):
    done = run("simulate", "--output", tmp_path / "x", "--n", "9", "--model", "affine")
    assert done.exit_code == 0
    done = run("fit", tmp_path / "x" / "pairs.csv", *AFFINE, "--targets", tmp_path / "x" / "targets.csv")
    assert done.exit_code == 0 and "9 fiducials" in done.stdout


def test_study_is_there():
    assert run("study", "--help").exit_code == 0


# Measured files


FILES = [
    ("fafb_lm_em/lm-em-landmarks_v14.csv", None, "135 fiducials"), ("formats/bigwarp_2d_blobs.csv", None, "fiducials"),
    ("formats/constructed_bigwarp_disabled_pending.csv", None, "Not used: 2 of 7 pairs"),
    ("ecclem_reference/written_by_ecclem.transformation_schema.xml", None, "7 fiducials"),
    ("afids_templates/Colin27_T1_Rater01_1_20170530.fcsv", "afids_templates/Colin27_T1_Rater02_1_20170606.fcsv", "32 fiducials"),
]


@pytest.mark.parametrize(("one", "two", "words"), FILES)
def test_measured_files(shared_data, tmp_path, one, two, words):
    """Fit, save, test and predict, each without a fault; what is saved reads back."""
    files = [shared_data / one, *([] if two is None else [shared_data / two])]
    done = run("fit", *files, *AFFINE, "--output", tmp_path / "a.json")
    assert done.exit_code == 0 and words in done.stdout and "nan" not in done.stdout
    assert run("test", *files).exit_code == 0
    result = regerr.load(tmp_path / "a.json")
    axes = "xyz"[:result.pairs.dimension]
    (tmp_path / "t.csv").write_text(",".join(axes) + "\n" + ",".join(map(str, result.pairs.source.mean(0))) + "\n")
    predicted = json.loads(run("predict", tmp_path / "a.json", "--targets", tmp_path / "t.csv", "--kind", "tre", "--json").stdout)
    assert np.allclose(predicted["predictions"][0]["targets"][0]["mean"], result.pairs.target.mean(0))


# Bad input


@pytest.mark.parametrize(("arguments", "words"), [
    (("fit", BEADS, "--model", "spline"), ("'spline'", "rigid, similarity, affine")),
    (("fit", BEADS, "--noise", "everywhere"), ("'everywhere'", "both")),
    (("fit", BEADS, "--noise", "full"), ("rigid", "any covariance")),
    (("fit", BEADS, "--exclude", "bead 99"), ("'bead 99'", "'bead 9'")),
    (("fit", BEADS, "--noise-sd", "-1"), ("-1.0",)),
    (("fit", BEADS, "--noise-ratio", "-1"), ("ratio is -1.0",)),
    (("fit", BEADS, "--columns", "a,b,c,d"), ("a",)),
    (("fit", "nowhere.csv"), ("nowhere.csv",)),
    (("fit", TARGETS), ("simulated_targets.csv",)),
    (("fit", BEADS, BEADS), ("simulated_beads.csv",)),
    (("fit", BEADS, "--targets", BEADS), ("simulated_beads.csv",)),
    (("predict", BEADS, "--targets", TARGETS, "--level", "1"), ("the level is 1.0",)),
    (("predict", BEADS, "--targets", TARGETS, "--level", "0"), ("the level is 0.0",)),
    (("predict", BEADS, "--targets", TARGETS, "--level", "nan"), ("the level is nan",)),
    (("predict", BEADS, "--targets", TARGETS, "--level", "high"), ("--level", "see regerr predict --help")),
    (("predict", BEADS, "--targets", TARGETS, "--kind", "fre"), ("'fre'", "observation")),
    (("predict", BEADS, "--targets", TARGETS, "--method", "magic"), ("'magic'", "likelihood-ratio")),
    (("predict", BEADS, *AFFINE[:3], "full", "--targets", TARGETS, "--kind", "lre"), ("share",)),
    (("predict", BEADS), ("--targets", "see regerr predict --help")),
    (("map", BEADS, "--output", "a.jpeg"), ("'.jpeg'",)),
    (("map", BEADS, "--output", "a.png", "--size", "big"), ("--size is 'big'",)),
    (("map", BEADS, "--output", "a.png", "--quantity", "luck"), ("'luck'",)),
    (("map", BEADS, "--output", "a.png", "--level", "2", "--quantity", "radius"), ("level is 2.0",)),
    (("map", BEADS, "--output", "a.png", "--kind", "fre"), ("'fre'",)),
    (("map", BEADS, "--output", "a.png", "--space", "moon"), ("'moon'",)),
    (("map", BEADS), ("--output",)),
    (("test", BEADS, "--noise", "nowhere"), ("'nowhere'",)),
    (("fit",), ("FILE", "see regerr fit --help")),
    (("fly",), ("fly", "see regerr --help")),
    (("fit", BEADS, "--flag"), ("--flag",)),
])
def test_refusals(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert_refused(run(*arguments), *words)
    assert list(tmp_path.iterdir()) == []


def write_pairs(path: Path, rows: int, d: int = 2) -> Path:
    rng = np.random.default_rng(0)
    axes = "xyz"[:d]
    header = ",".join(["name", *(f"{a}_{s}" for s in ("source", "target") for a in axes)])
    lines = [f"p{i}," + ",".join(map(str, rng.random(2 * d))) for i in range(rows)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_too_few_pairs(tmp_path):
    assert_refused(run("fit", write_pairs(tmp_path / "a.csv", 3), "--model", "affine"), "3 pairs are too few", "add 1 more")
    assert run("test", write_pairs(tmp_path / "b.csv", 2)).stdout.startswith("No model can be recommended")


def test_targets_of_the_other_dimension(tmp_path):
    flat = write_pairs(tmp_path / "a.csv", 8)
    (tmp_path / "t.csv").write_text("x,y,z\n1,2,3\n")
    assert_refused(run("predict", flat, "--targets", tmp_path / "t.csv"), "targets have shape (1, 3)")


def test_an_existing_file_is_kept_without_force(tmp_path):
    place = tmp_path / "a.json"
    place.write_text("mine")
    assert_refused(run("fit", BEADS, "--output", place), "already exists", "--force")
    assert place.read_text() == "mine"
    assert run("fit", BEADS, "--output", place, "--force").exit_code == 0 and place.read_text() != "mine"
    picture = tmp_path / "a.png"
    picture.write_text("mine")
    assert_refused(run("map", BEADS, "--output", picture), "already exists")
    assert picture.read_text() == "mine"


def test_an_output_that_cannot_be_written(tmp_path):
    assert_refused_after_output(run("fit", BEADS, "--output", tmp_path / "no" / "a.json"), "cannot write", "a.json")
    assert_refused(run("fit", BEADS, "--output", tmp_path), "is a folder")
    assert list(tmp_path.iterdir()) == []


def assert_refused_after_output(done, *words: str) -> None:
    """As `assert_refused`, where the registration itself was printed."""
    assert done.exit_code == 2 and done.stderr.count("\n") == 1 and all(word in done.stderr for word in words)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk():
    done = program("fit", BEADS, *AFFINE, "--output", "/dev/full", "--force", capture_output=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "No space left" in done.stderr
    with open("/dev/full", "w") as full:
        done = program("fit", BEADS, *AFFINE, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr == "Error: the output cannot be written: No space left on device\n"


def test_a_reader_that_stops_early():
    command = f"'{sys.executable}' -c 'from regerr.cli import main; main()' predict '{BEADS}' --targets '{TARGETS}' --method wald"
    done = subprocess.run(["bash", "-c", command + " | head -n 1; echo ${PIPESTATUS[0]}"], capture_output=True, text=True,
                          check=False)
    assert done.stderr == "" and done.stdout.splitlines()[-1] == "0"


def test_warnings_are_notes_and_come_once(tmp_path):
    rows = [f"{x},{y},{x + 1},{y}" for x, y in ((0, 0), (9, 0), (0, 9), (7, 8))]
    (tmp_path / "a.csv").write_text("\n".join(["x_source,y_source,x_target,y_target", *rows]) + "\n")
    done = run("fit", tmp_path / "a.csv", "--exclude", "4")
    assert done.exit_code == 0 and done.stderr.count("Note: the pairs fit exactly") == 1 and done.stderr.count("\n") == 1
    assert done.stdout.count("The pairs fit exactly, to rounding.") == 1
    assert run("test", tmp_path / "a.csv").stdout.startswith("No model can be recommended.")


# Help, and commands of other packages


@pytest.mark.parametrize("command", ["fit", "predict", "map", "test"])
def test_each_help_has_an_example_that_runs(command, tmp_path, monkeypatch):
    """With the example's own files under the names that the help uses."""
    text = " ".join(run(command, "--help").stdout.split())
    example = re.search(rf"Example: regerr ({command} .*?) (?:Arguments|Options):", text)
    assert example is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beads.csv").write_bytes(BEADS.read_bytes())
    (tmp_path / "targets.csv").write_bytes(TARGETS.read_bytes())
    done = run(*example.group(1).split())
    assert done.exit_code == 0, done.output


def test_help_is_fast_and_lists_all_commands():
    started = time.perf_counter()
    done = program("--help", capture_output=True)
    passed = time.perf_counter() - started
    commands = ("fit", "predict", "map", "test", "simulate", "study")
    assert done.returncode == 0 and all(f"  {name} " in done.stdout for name in commands)
    assert passed < 2.0  # 0.25 s on an idle machine


def test_a_fit_needs_the_core_libraries_alone():
    """Regions of any shape are measured without the libraries that draw them."""
    code = ("import contextlib, io, sys\nfrom regerr.cli import app\nwith contextlib.redirect_stdout(io.StringIO()):\n"
            f"    app(['fit', {str(BEADS)!r}, '--targets', {str(TARGETS)!r}], standalone_mode=False)\n"
            "print(sorted({'matplotlib', 'contourpy', 'skimage', 'pandas', 'tifffile'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_no_arguments_show_the_help_and_version_the_version():
    assert run().stdout == run("--help").stdout and run().exit_code == 0
    assert run("--version").stdout.strip() == regerr.__version__


def test_a_command_whose_library_is_missing_says_what_to_install(monkeypatch):
    with pytest.raises(MissingExtraError, match=r"regerr study needs the library .*pip install 'regerr\[study\]'"):
        shell.load_command(EntryPoint("study", "no_such_library.cli:app", shell.GROUP))
    monkeypatch.setattr(shell, "_added", lambda: {"study": EntryPoint("study", "no_such_library.cli:app", shell.GROUP)})
    assert_refused(run("study"), "no_such_library", "regerr[study]")


def test_a_command_of_an_unknown_package_is_listed(monkeypatch):
    monkeypatch.setattr(shell, "_added", lambda: {"paint": EntryPoint("paint", "no_such_library.cli:app", shell.GROUP)})
    assert "paint" in run("--help").stdout


@pytest.mark.parametrize(("fault", "code", "words"), [
    (MemoryError(), 2, "not enough memory"), (KeyboardInterrupt(), 130, "Stopped."), (BrokenPipeError(), 0, ""),
    (OSError(28, os.strerror(28), "a.tif"), 2, "a.tif: No space left"),
])
def test_faults_of_the_machine(capsys, monkeypatch, fault, code, words):
    monkeypatch.setattr(shell, "_abandon_stdout", lambda: None)

    def fails():
        raise fault

    assert shell.guarded(fails) == code
    assert words in capsys.readouterr().err


def test_a_fault_of_the_program_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        shell.guarded(lambda: 1 // 0)
