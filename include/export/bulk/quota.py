"""The Bulk batches that an org has left today."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field

from include.export.failures import ConfigurationFailure
from include.export.run import RunContext

log = logging.getLogger(__name__)
CALLS_OF_A_JOB = 20  # API calls that are reserved for one job and its results
BATCHES_OF_A_DAY = 15_000  # docs/salesforce-behaviour.md#limits
ROWS_OF_A_BATCH = 10_000  # Salesforce divides a job into batches of this size and counts each against the daily limit


@dataclass
class BulkCredits:
    """The number of Bulk batches that are left today; Salesforce is asked once a run."""

    run: RunContext
    batches_left: int | None = field(default=None, init=False)

    def take(self, rows: int, jobs: int, share: float = 1.0) -> bool:
        """Return whether the org's limits allow `rows` rows in `jobs` jobs, and count their batches as used.

        `share` is the share of the daily API limit that their calls may use.
        """
        if self.batches_left is None:
            self.batches_left = self._read_batches_left()
        needed = math.ceil(rows / ROWS_OF_A_BATCH) + jobs
        if needed > self.batches_left:
            log.warning("Stream %s: the org has %d Bulk batches left today, too few for this job; small requests are "
                        "used instead.", self.run.stream.name, self.batches_left)  # fmt: skip
            return False
        self.batches_left -= needed
        return self.run.has_credits(share, calls=CALLS_OF_A_JOB * jobs)

    def _read_batches_left(self) -> int:
        """Return how many Bulk batches are left; without the right to ask, the next job shows whether any are."""
        try:
            return int(self.run.client.call("GET", "limits").body["DailyBulkApiBatches"]["Remaining"])
        except (ConfigurationFailure, KeyError, TypeError, ValueError) as unknown:
            log.info("The org does not report how many Bulk batches are left (%s)", type(unknown).__name__)
            return BATCHES_OF_A_DAY
