"""Measurements of daily operation: the check for late rows, and the page with many errors and runs."""
