"""Print every ratio, with what is wanted of it; the exit code counts those missed."""

from __future__ import annotations

import os
import sys

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from validation.benchmarks.cases import cases  # noqa: E402  # after the number of threads is set

missed = 0
for case in cases():
    ratio = case.ratio()
    missed += not case.holds(ratio)
    print(case.line(ratio), flush=True)
sys.exit(missed)
