"""The coverage study of the ICIP 2021 paper, in full, with this library's regions beside the published ones (theory, section 9).

Truth {rigid, affine} x model {rigid, affine} x 10, 25, 100 fiducials, gathered around the centre of a 512 x 512 image or uniform
over it; 100 targets uniform over 1024 x 1024; Gaussian noise of covariance I on fiducials and targets in BOTH spaces; of each
target is asked where it will be localised in the target image, as in the paper, and where its true position lies.
"""

from __future__ import annotations

from itertools import product

from regerr.noise import Noise
from simulations import Affine, Experiment, Gathered, Rigid, Uniform
from simulations.layouts import FIELD
from simulations.protocols import Layout, Truth

from ..estimators import LeaveOneOutDisk, Registration
from ..protocol import Estimator
from ..study import Margins, Scenario, Study

TITLE = "The ICIP 2021 coverage study: rigid and affine, 10 to 100 fiducials"
TRUTHS: dict[str, Truth] = {"rigid": Rigid(), "affine": Affine()}
LAYOUTS = {"gathered": Gathered, "uniform": Uniform}
COUNTS = (10, 25, 100)
TARGETS = 100

ESTIMATORS: tuple[Estimator, ...] = (
    Registration("rigid", "both", "wald", "rigid-wald", "rigid, first order (published)"),
    Registration("rigid", "both", "score", "rigid-score", "rigid, score"),
    Registration("rigid", "both", "likelihood-ratio", "rigid-likelihood-ratio", "rigid, likelihood ratio"),
    LeaveOneOutDisk("rigid"),
    Registration("affine", "full", "wald", "affine-wald", "affine, regression (published)"),
    Registration("affine", "both", "score", "affine-score", "affine, score"),
    Registration("affine", "both", "likelihood-ratio", "affine-likelihood-ratio", "affine, likelihood ratio"),
    LeaveOneOutDisk("affine", "full"),
)


def study(quick: bool = False) -> Study:
    """The study: 10,000 replicates of 12 scenarios, or few replicates of all of them."""
    scenarios = tuple(_scenario(truth, layout, n, 1 if quick else 100) for truth, layout, n in product(TRUTHS, LAYOUTS, COUNTS))
    size = {"replicates": 100, "chunk": 50} if quick else {"replicates": 10_000, "chunk": 1_000}
    return Study("icip", TITLE, scenarios, **size,
                 margins=Margins({0.95: 0.01}), rows=("kind", "truth"))


def _scenario(truth: str, layout: str, n: int, measured: int) -> Scenario:
    fiducials: Layout = LAYOUTS[layout](n)
    targets = Uniform(TARGETS, low=-FIELD / 2, high=1.5 * FIELD)
    noise = Noise(source_covariance=1.0, target_covariance=1.0)
    experiment = Experiment(fiducials, targets, TRUTHS[truth], noise, scene_seed=2021)
    return Scenario({"truth": truth, "layout": layout, "n": n}, experiment, ESTIMATORS, ("observation", "tre"), truth=truth,
                    measured=measured)
