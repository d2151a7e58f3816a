"""Jobs whose rows go to Salesforce while the run settles the jobs in front of them; none is closed before its turn."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event, Thread

from include.export.bulk.upload import JobUpload
from include.export.bulk.window_plan import WindowPlan
from include.export.failures import RunFailure
from include.export.ledger import JobBatch
from include.export.salesforce import IngestJobs, SalesforceClient

EVERY = 1.0  # seconds between two looks at an upload that is waited for
STOP_SECONDS = 5.0  # that a stopped upload is waited for; its connection ends with the process at the latest


class UploadGivenUp(RunFailure):
    """An upload was stopped because its job is not wanted any more."""


@dataclass
class UploadAhead:
    """A window's job that is Open, and the thread in which its rows go out.

    A thread must not touch what the run works with: it has a client of its own, and its reads have connections of
    their own.
    """

    plan: WindowPlan
    batch: JobBatch
    jobs: IngestJobs
    body: JobUpload = field(init=False)
    _done: Future[None] = field(default_factory=Future, init=False)
    _given_up: Event = field(default_factory=Event, init=False)

    def start(self, body: JobUpload, *, beside: bool) -> None:
        """Send the rows: in a thread, or to their end before this returns."""
        self.body = body
        if beside:
            # a daemon: a run that is ended does not wait for its uploads
            Thread(target=self._upload, daemon=True, name=f"upload-{self.batch.id}").start()
        else:
            self._upload()

    def check(self, rows: int) -> None:
        """Raise UploadGivenUp once the upload is not wanted any more; called at each block of its rows."""
        if self._given_up.is_set():
            raise UploadGivenUp(f"The upload was given up after {rows:,} rows.")

    def wait(self, client: SalesforceClient, meanwhile: Callable[[int], None]) -> None:
        """Wait until Salesforce has the rows; `meanwhile` is called every second with how many went out.

        Raises what broke the upload. The calls and bytes are added to those of the run's own client.
        """
        while not wait([self._done], EVERY).done:
            meanwhile(self.body.rows)
        client.take_counts_of(self.jobs.client)
        self._done.result()

    def give_up(self) -> None:
        """Stop sending; what was sent is of no use."""
        self._given_up.set()

    def join(self, client: SalesforceClient) -> None:
        """Wait for an upload that was given up to end."""
        wait([self._done], STOP_SECONDS)
        client.take_counts_of(self.jobs.client)

    def _upload(self) -> None:
        try:
            with closing(self.body):
                self.jobs.upload(str(self.batch.job_id), self.body.open)
        except BaseException as broken:  # whoever waits for the rows is told
            self._done.set_exception(broken)
            if not isinstance(broken, Exception):
                raise
        else:
            self._done.set_result(None)
