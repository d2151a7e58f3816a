"""What the daily work costs: the check for late rows, and the page with many errors and runs."""
