"""What people read of tests of deformation, and the command ``regerr test`` with its options."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from regerr import FiducialPairs, InputError, Noise, cli, compare_models
from regerr.deformation import compare_ladder
from regerr.reporting.comparisons import GROUPED, PEOPLE, UNEQUAL
from validation.deformation.noises import Growing
from validation.deformation.scenes import BRAIN, Scene


def simulate(d: int = 2, n: int = 12, stretch: float = 0.0, seed: int = 1) -> FiducialPairs:
    rng = np.random.default_rng([seed, d, n])
    x = 100.0 * rng.random((n, d))
    y = x * [1.0 + stretch, *[1.0] * (d - 1)]
    return FiducialPairs(x + 0.3 * rng.standard_normal(x.shape), y + 0.3 * rng.standard_normal(x.shape))


def text(thing: object) -> str:
    return " ".join(str(thing).split())


def run(*arguments: object):
    return CliRunner().invoke(cli.app, ["test", *map(str, arguments)])


def write(path, pairs: FiducialPairs, groups: list[str] | None = None, names: bool = True):
    """A table of pairs, with a column of groups if there are any."""
    axes = "xyz"[:pairs.dimension]
    head = [*(["name"] if names else []), *(f"{space} {axis}" for space in ("source", "target") for axis in axes),
            *(["structure"] if groups else [])]
    rows = [[*([name] if names else []), *map(repr, [*map(float, x), *map(float, y)]), *([groups[i]] if groups else [])]
            for i, (name, x, y) in enumerate(zip(pairs.names, pairs.source, pairs.target, strict=True))]
    path.write_text("\n".join(",".join(row) for row in [head, *rows]) + "\n", encoding="utf-8")
    return path


# Reports


@pytest.mark.parametrize(("d", "n", "beside"), [(2, 5, False), (2, 6, True), (3, 11, False), (3, 12, True)])
def test_f_and_wild_f_stand_together_where_there_are_enough_landmarks(d, n, beside):
    ladder = compare_ladder(simulate(d, n))
    assert len(ladder.beside) == (3 if beside else 0) and (text(ladder).count("p, wild F") == 1) == beside
    assert all(one.test.name == "wild" for one in ladder.beside)
    assert [one.models for one in ladder.beside] == [one.models for one in ladder.comparisons if beside]


def test_what_a_rejection_may_be_instead_of_a_deformation():
    """Said with a rejection only; other words once groups are told, none where the rater is the unit."""
    assert PEOPLE not in text(compare_ladder(simulate())) and PEOPLE not in text(compare_models(simulate(), "rigid", "affine"))
    stretched = simulate(stretch=0.05)
    assert PEOPLE in text(compare_ladder(stretched)) and PEOPLE in text(compare_models(stretched, "rigid", "affine"))
    groups = [0, 0, 1, 1, *range(2, 10)]
    told = text(compare_ladder(stretched, groups=groups))
    assert PEOPLE not in told and GROUPED in told and "all 512 signs of 10 groups" in told
    rng = np.random.default_rng(2)
    raters = FiducialPairs(*(p + 0.1 * rng.standard_normal((4, *p.shape)) for p in (stretched.source, stretched.target)))
    report = text(compare_ladder(raters, test="raters"))
    assert "Take an affine model" in report and PEOPLE not in report and GROUPED not in report


def test_f_alone_is_put_down_to_unequal_noise():
    """Noise that grows outwards, a dataset that F alone rejects."""
    pairs = Scene(BRAIN, 30, law=Growing()).sample(np.random.default_rng(3), 60)
    p = {name: compare_models(pairs, "rigid", "affine", test=name).p_value for name in ("F", "wild")}
    alone, both = (int(np.flatnonzero((p["F"] < 0.05) & rest)[0]) for rest in (p["wild"] > 0.06, p["wild"] < 0.04))
    assert UNEQUAL in text(compare_ladder(pairs[alone])) and UNEQUAL not in text(compare_ladder(pairs[both]))


@pytest.mark.parametrize(("name", "words"), [
    ("wild", ("wild F: F(3, 18) =", "random signs of 12 landmarks, seed 2021")),
    ("wild-t", ("wild F, t weights: F(3, 18) =",)),
    ("bootstrap", ("parametric bootstrap of F: F(3, 18) =", "999 simulated datasets")),
    ("bartlett", ("Bartlett: chi2(3) =", "second order")),
    ("chi2", ("chi-square: chi2(3) =", "rejects too often", "rejects true nulls too often with few pairs: believe the F test")),
    ("iso/full", ("iso/full of ec-CLEM: chi2(5) =", "noise alike in all directions explain", "believe the F test")),
])
def test_each_test_says_what_its_p_value_rests_on(name, words):
    test = compare_models(simulate(), "rigid", "affine", test=name)
    report = text(test)
    assert all(word in report for word in words) and f"p = {float(test.p_value):.2g}"[:6] in report
    ladder = text(compare_ladder(simulate(), test=name))
    assert test.test.label in ladder and "p, wild F" not in ladder


def test_a_known_scale_is_told():
    report = text(compare_ladder(simulate(), Noise(1.0, scale=0.42)))
    assert "known s.d. 0.42" in report and "F(3, inf)" in report and "p, wild F" in report


def test_a_ladder_of_raters_and_of_batches():
    pairs = simulate()
    with pytest.raises(InputError, match="batch of shape"):
        compare_ladder(FiducialPairs(pairs.source[None], pairs.target[None]))
    told = compare_ladder(simulate(n=5), groups=[1, 1, 2, 3, 4])
    assert not told.skipped and "4 groups of landmarks are too few" in told.alone and told.alone in text(told)


# The command


def test_groups_from_a_file_or_from_a_column(tmp_path):
    groups = ["a", "a", "b", "c", "d", "d", "e", "f", "g", "h", "i", "i"]
    pairs = simulate(n=12, stretch=0.01)
    file = write(tmp_path / "pairs.csv", pairs, groups)
    table = tmp_path / "groups.csv"
    table.write_text("landmark;group\n" + "".join(f"{name};{g}\n" for name, g in zip(pairs.names, groups, strict=True)))
    expected = float(compare_models(pairs, "rigid", "affine", test="wild", groups=groups).p_value)
    for where in ("structure", table):
        done = run(file, "--groups", where, "--json")
        assert done.exit_code == 0, done.output
        data = json.loads(done.stdout)
        assert data["beside"][2]["p_value"] == pytest.approx(expected) and data["beside"][2]["test"] == "wild"
        assert "9 groups" in data["beside"][2]["law"] and data["comparisons"][2]["test"] == "F"
    nameless = write(tmp_path / "nameless.csv", pairs, groups, names=False)
    assert json.loads(run(nameless, "--groups", "structure", "--json").stdout)["beside"][2]["p_value"] == pytest.approx(expected)


def test_one_seed_one_answer(tmp_path):
    file = write(tmp_path / "pairs.csv", simulate(n=15, stretch=0.004))
    first = run(file, "--test", "wild-t", "--draws", 199, "--seed", 3).stdout
    assert "199 random signs of 15 landmarks, seed 3" in text(first)
    assert run(file, "--test", "wild-t", "--draws", 199, "--seed", 3).stdout == first
    assert run(file, "--test", "wild-t", "--draws", 199, "--seed", 4).stdout != first


def test_raters_from_files_with_landmarks_in_another_order(tmp_path):
    rng, base = np.random.default_rng(5), simulate(n=10)
    names = [f"landmark {i}" for i in range(10)]
    source, target = (p + 0.2 * rng.standard_normal((4, *p.shape)) for p in (base.source, base.target))
    files = []
    for k in range(4):
        order = rng.permutation(10)
        files.append(write(tmp_path / f"{k}.csv", FiducialPairs(source[k][order], target[k][order], [names[i] for i in order])))
    more = [part for file in files[1:] for part in ("--rater", file)]
    for name in ("raters", "raters-permuted"):
        data = json.loads(run(files[0], *more, "--json", *([] if name == "raters" else ["--test", name])).stdout)
        expected = compare_models(FiducialPairs(source, target), "rigid", "affine", test=name)
        assert data["comparisons"][2]["p_value"] == pytest.approx(float(expected.p_value)) and data["beside"] == []
    fewer = write(tmp_path / "fewer.csv", FiducialPairs(source[1][:9], target[1][:9], names[:9]))
    done = run(files[0], "--rater", fewer)
    assert done.exit_code == 0 and "'landmark 9'" in done.stderr
    strange = write(tmp_path / "strange.csv", base)
    assert "no landmark is named alike" in run(files[0], "--rater", strange).stderr


@pytest.mark.parametrize(("options", "words"), [
    (("--groups", "side"), ("--groups side", "no such file", "'source x'")),
    (("--test", "wilde"), ("'wilde' is unknown", "wild")),
    (("--test", "chi2", "--seed", "3"), ("takes no seed",)),
    (("--test", "wild", "--draws", "3"), ("draws is 3",)),
    (("--test", "raters"), ("at least 2 raters", "--rater")),
    (("--test", "wild", "--noise", "full"), ("'wild' does not take noise of any covariance", "iso/full")),
])
def test_refusals_of_the_command(options, words, tmp_path):
    done = run(write(tmp_path / "pairs.csv", simulate()), *options)
    output = done.output + done.stderr
    assert "Traceback" not in output and all(word in text(output) for word in words), output
