"""The demonstration: from two shipped images to a page, held against the truth that is shipped with them."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
from typer.testing import CliRunner

import regerr
from regerr.cli import app


def test_the_demonstration_ends_near_the_truth(tmp_path):
    folder = tmp_path / "demo"
    done = CliRunner().invoke(app, ["demo", "--output", str(folder)])
    assert done.exit_code == 0, done.output
    assert "simulated" in done.output and "16 pairs found" in done.output
    assert sorted(path.name for path in folder.iterdir()) == ["electron.csv", "light.csv", "pairs.csv", "report.html"]
    truth = json.loads((files("regerr") / "data" / "simulated_images.json").read_text(encoding="utf-8"))
    result = regerr.fit(regerr.read_pairs(folder / "pairs.csv"), "rigid")
    inside = result.pairs.source[:5]
    true = inside @ np.asarray(truth["transform"]["matrix"]).T + truth["transform"]["offset"]
    assert (result.predict(inside, "tre").p_value(true) > 1e-3).all()
    assert np.abs(result.transform.apply(inside) - true).max() < 0.02
    again = CliRunner().invoke(app, ["demo", "--output", str(folder)])
    assert again.exit_code == 2 and "is there already" in again.output
