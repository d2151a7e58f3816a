"""The programs that are measured: each is a process of its own, started with what it needs as JSON."""
