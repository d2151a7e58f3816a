"""`drt run` in a project with one sync; runs in drt's own environment."""

from __future__ import annotations

import sys

from drt.cli.main import app

from benchmarks.clients.ready import report_ready

if __name__ == "__main__":
    report_ready()
    sys.argv = ["drt", "run", "--quiet"]
    app()
