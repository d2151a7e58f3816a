"""The params of a DAG run: a record to try, rows to send again, or an action of the page; and the run's identity."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from airflow.sdk import Context

from include.export.failures import ConfigurationFailure
from include.export.ledger import RUN_PREFIX, ExportTrials, RunIdentity

TRY_RECORD, TRIAL, ACTION, RESEND = "try_record", "trial", "action", "resend"


@dataclass(frozen=True)
class TrialRequest:
    """A record to try: the stream and the key of its source row; `page` is the trial's id if the page requested it."""

    stream: str
    key: str
    page: int | None = None


@dataclass(frozen=True)
class ResendRequest:
    """A range of change times, or one key, of a stream that a run is to send again."""

    stream: str
    from_at: str | None = None
    to_at: str | None = None
    key: str | None = None


def asked_resend(context: Context) -> ResendRequest | None:
    """Return the resend that the run's param resend requests, None for a run that only exports.

    Raises ConfigurationFailure when it is malformed.
    """
    asked = context["params"].get(RESEND)
    if not asked:
        return None
    wanted = {"stream": asked} if isinstance(asked, str) else dict(asked)
    unknown = set(wanted) - {"stream", "from", "to", "key"}
    if unknown or not isinstance(wanted.get("stream"), str):
        raise ConfigurationFailure(
            'The param resend must be a stream, or {"stream": …, "from": …, "to": …} or {"stream": …, "key": …}.'
        )
    return ResendRequest(wanted["stream"], wanted.get("from"), wanted.get("to"), wanted.get("key"))


def identify_run(context: Context) -> RunIdentity:
    """Return the identity of the task instance."""
    instance = context["ti"]
    return RunIdentity(instance.dag_id, instance.run_id, instance.try_number, instance.task_id)


def asked_trial(context: Context) -> TrialRequest | None:
    """Return the record that the run's param try_record names, None for a run that exports.

    Raises ConfigurationFailure when it is malformed, or names a trial of the page in a run that the page did not start.
    """
    asked, trial = context["params"].get(TRY_RECORD), _read_page_number(context, TRIAL)
    if not asked and trial is None:
        return None
    stream, colon, key = str(asked or "").partition(":")
    if not (stream and colon and key):
        raise ConfigurationFailure("The param try_record must be STREAM:KEY, for example campaigns:CMP_7.")
    return TrialRequest(stream, key, trial)


def asked_action(context: Context) -> int | None:
    """Return the action of the page that started this run, None for any other run.

    Raises ConfigurationFailure when a run that the page did not start names one.
    """
    return _read_page_number(context, ACTION)


def check_trial(asked: TrialRequest, connection: psycopg.Connection) -> None:
    """Raise ConfigurationFailure unless the page's trial is for the record of the request."""
    if asked.page is None:
        return
    if ExportTrials(connection).find_record(asked.page) != (asked.stream, asked.key):
        raise ConfigurationFailure(
            f"Trial {asked.page} of the page CRM Export is not for this record, has ended, or is older than an hour. "
            "Ask for a new one there."
        )


def _read_page_number(context: Context, name: str) -> int | None:
    """Return a number that only the page sets, in a run whose id contains the number."""
    number = context["params"].get(name)
    if number is None:
        return None
    if type(number) is not int or context["ti"].run_id != f"{RUN_PREFIX}{number}":
        raise ConfigurationFailure(
            f"{name} is set by the page CRM Export only. Leave it out: try_record alone tries a record."
        )
    return number
