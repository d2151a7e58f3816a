"""Runs a command of Airflow that looks for garbage rarely.

Nearly all that its start makes stays, and looking through it again and again takes a fifth to a third of the CPU time
(docs/performance.md, "Tasks of Airflow").
"""

from __future__ import annotations

import gc
import runpy

if __name__ == "__main__":
    gc.set_threshold(100_000, 50, 100)
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
