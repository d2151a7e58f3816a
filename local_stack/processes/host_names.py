"""The host names of a stack's processes: each worker on one machine needs its own."""

from __future__ import annotations

import os
import socket

VARIABLE = "LOCAL_STACK_HOST"  # set by the supervisor for each worker
CALLABLE = f"{__name__}.read_host_name"  # for Airflow's hostname_callable


def read_host_name() -> str:
    """Return the name that the supervisor gave this process, or that of the machine."""
    return os.environ.get(VARIABLE) or socket.gethostname()
