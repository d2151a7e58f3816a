"""How a run behaves: the settings it was started with."""

from __future__ import annotations

from dataclasses import dataclass

SMALL_REQUEST = 25  # rows of the first request of a run
GROWTH = 4  # a clean batch is followed by one this many times larger


@dataclass(frozen=True)
class ExportOptions:
    """The settings of one run of one stream, read once before the first send (design: the setting)."""

    pause_on_export_errors: bool
    batch_size: int = 200  # rows: 200, 100, 50 or 25
    daily_api_limit: int = 100_000  # API calls in 24 hours
    lease_seconds: float = 120.0  # longer than one HTTP call may take
    transient_delays: tuple[float, ...] = (5.0, 15.0, 45.0)  # seconds before refused rows are tried again
