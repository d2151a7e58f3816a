"""Which failures are retried."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from crm_export.operators.retries import ReportedFailure, RunFailureRetryPolicy
from include.export.failures import (
    CircuitFailure,
    ConfigurationFailure,
    HorizonFailure,
    LeaseLost,
    LoginFailure,
    QuotaFailure,
    RunFailure,
    SalesforceFailure,
    SourceFailure,
)


@pytest.mark.parametrize(
    "kind", [CircuitFailure, ConfigurationFailure, HorizonFailure, LeaseLost, LoginFailure, QuotaFailure]
)
def test_permanent_failures_are_not_retried(kind: type[RunFailure]) -> None:
    assert RunFailureRetryPolicy().evaluate(kind("x"), 1, 3).action is RetryAction.FAIL


@pytest.mark.parametrize("kind", [SalesforceFailure, SourceFailure])
def test_transient_failures_are_retried_with_growing_delays(kind: type[RunFailure]) -> None:
    delays = [RunFailureRetryPolicy().evaluate(kind("x"), number, 3).retry_delay for number in (1, 2, 3, 4)]
    assert delays == [timedelta(seconds=each) for each in (30, 120, 300, 300)]


def test_the_delay_that_salesforce_asks_for_counts() -> None:
    decision = RunFailureRetryPolicy().evaluate(SalesforceFailure("x", retry_after=7.0), 1, 3)
    assert decision.retry_delay == timedelta(seconds=7)


def test_other_exceptions_follow_the_tasks_own_retries() -> None:
    assert RunFailureRetryPolicy().evaluate(ValueError("x"), 1, 3).action is RetryAction.DEFAULT


def test_a_failure_that_was_already_reported_is_not_retried() -> None:
    assert RunFailureRetryPolicy().evaluate(ReportedFailure("x"), 1, 3).action is RetryAction.FAIL
