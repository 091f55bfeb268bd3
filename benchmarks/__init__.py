"""Every claim about speed, gas or accuracy, runnable: ``python -m benchmarks NAME``."""
