"""Runs a command of Airflow that looks for garbage rarely.

Nearly all that its start makes stays, and looking through it again and again takes a fifth to a third of the CPU time
(docs/performance.md, "Tasks of Airflow").
"""

from __future__ import annotations

import gc
import sys

gc.set_threshold(100_000, 50, 100)

from airflow.__main__ import main  # noqa: E402 - after the setting

if __name__ == "__main__":
    sys.argv[0] = "airflow"
    main()
