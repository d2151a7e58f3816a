"""Benchmarks: what moving rows costs, measured on the machine that runs them."""
