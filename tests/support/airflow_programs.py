"""What programs begin with that run Airflow in a process of their own."""

from __future__ import annotations

# nearly all that Airflow's start makes stays; looking for garbage in it again and again takes a third of the CPU time
RARE_COLLECTIONS = "import gc; gc.set_threshold(100_000, 50, 100)"
