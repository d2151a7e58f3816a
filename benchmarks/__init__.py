"""Benchmarks: the cost of moving rows, measured on the machine that runs them."""
