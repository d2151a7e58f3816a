"""Which failures of a run are retried: only transient ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Context
from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from include.export.failures import RunFailure

RETRIES = 3
RETRY_DELAY = timedelta(seconds=30)  # of any exception but a RunFailure
DELAYS = (30, 120, 300)  # seconds before the second, third and fourth attempt


class ReportedFailure(SystemExit):
    """Fails a task whose log already says what happened and what to do; it is never retried.

    Airflow logs an exit as one line, any other exception with the stack frames of its own task runner.
    """


class RunFailureRetryPolicy(RetryPolicy):
    """Retries a RunFailure that is retriable, with growing delays; fails at once at any other RunFailure."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Return the decision; other exceptions follow the task's own retries."""
        if isinstance(exception, ReportedFailure):
            return RetryDecision.fail()
        if not isinstance(exception, RunFailure):
            return RetryDecision.default()
        if not exception.retriable:
            return RetryDecision.fail("somebody must act first; see the message")
        seconds = exception.retry_after or DELAYS[min(try_number, len(DELAYS)) - 1]
        return RetryDecision.retry(timedelta(seconds=seconds), "this may be transient")

    def serialize(self) -> dict[str, Any]:
        """Return what Airflow keeps of the policy."""
        return {"__type": "RunFailureRetryPolicy"}
