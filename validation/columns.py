"""What the columns of result tables mean, in the order in which they stand."""

from __future__ import annotations

_WHO = {
    "scenario": "unique name of the scenario; its labels follow, one column each",
    "estimator": "unique name",
    "label": "what figures call it",
    "model": "its family, if it has one",
    "method": "its method, if it says so",
    "kind": "the question: tre, lre or observation",
    "level": "nominal level",
}
_REST = {
    "volume_replicates": "replicates on which the region was measured and bounded",
    "volume_mean": "mean area (2D, px^2) or volume (3D, px^3) of the bounded regions",
    "volume_mean_se": "",
    "volume_sd": "its s.d. over replicates",
    "volume_sd_se": "",
    "log_volume_mean": "mean natural logarithm of it",
    "log_volume_mean_se": "",
    "unbounded": "share of measured regions that are unbounded",
    "unbounded_se": "",
    "rms_tre": "root mean square of |T^(x) - T(x)|, px",
    "rms_tre_se": "",
    "expected_rms_tre": "root mean square of what the estimator itself expects, where that is finite, px",
    "expected_rms_tre_se": "",
    "efficiency": "Cramer-Rao efficiency within the estimator's family; empty when the truth is outside of it",
    "efficiency_se": "",
}

TARGET_COLUMNS = {
    **_WHO,
    "target": "number of the target, from 0",
    "x": "true position in the source, px; empty when every replicate has targets of its own",
    "y": "the same",
    "z": "the same; empty in 2D",
    "distance": "to the nearest true fiducial in the source, px; empty when x is",
    "replicates": "datasets drawn",
    "coverage": "share of replicates whose region holds the target; failed ones do not",
    "coverage_se": "",
    **_REST,
}

SUMMARY_COLUMNS = {
    **_WHO,
    "targets": "number of targets",
    "replicates": "datasets drawn",
    "failed": "share of datasets without a fit, or without a region of that level",
    "coverage_mean": "mean over targets of the coverage",
    "coverage_mean_se": "Monte Carlo error over replicates, not over replicates x targets",
    "coverage_mean_low": "99 % interval of the mean: of a share of so many draws as its error tells, at least the replicates",
    "coverage_mean_high": "",
    "coverage_min": "least coverage of a target",
    "coverage_min_low": "99 % interval, with Bonferroni's allowance for the choice among targets",
    "coverage_min_high": "",
    "coverage_sd": "s.d. over targets",
    "coverage_max": "greatest coverage of a target",
    "coverage_max_low": "99 % interval as for the least",
    "coverage_max_high": "",
    "margin": "declared for the mean",
    "verdict": "covers, under-covers, over-covers or undecided: the mean against the margin; cannot, without any fit",
    "worst_margin": "declared for the worst target",
    "worst_verdict": "the same of the worst target",
    **_REST,
    "size": "median over replicates and targets of (content over the oracle's)^(1/d); infinite when most are unbounded",
    "size_se": "from order statistics, the targets of a replicate counted as one draw",
    "median_efficiency": "the bound's median squared TRE over the one found, for estimates without moments",
    "median_efficiency_se": "",
}
