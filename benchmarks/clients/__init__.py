"""The programs that are measured: each runs as a separate process and gets its parameters as JSON."""
