"""Speed of the public interface as ratios to plain numpy, or to another library, measured in one run.

``python -m validation.benchmarks`` prints them. A ratio holds on any machine, where a time would not.
"""
