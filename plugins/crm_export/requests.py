"""What a DAG run asks for: who it is, and the one record it may be asked to try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from include.export.ledger import RunIdentity, Trial

TRY_RECORD, TRIAL, ACTION = "try_record", "trial", "action"


class _Log(Protocol):
    def info(self, event: str, *args: Any) -> Any: ...


@dataclass(frozen=True)
class TrialRequest:
    """A record to try: the stream and the key of its source row; `page` is the trial's id if the page asked for it."""

    stream: str
    key: str
    page: int | None = None


def identify_run(context: Context) -> RunIdentity:
    """Return the identity of the task instance."""
    instance = context["ti"]
    return RunIdentity(instance.dag_id, instance.run_id, instance.try_number, instance.task_id)


def asked_trial(context: Context) -> TrialRequest | None:
    """Return the record that the run's param try_record names; raises AirflowFailException when it is malformed."""
    asked = context["params"].get(TRY_RECORD)
    if not asked:
        return None
    stream, colon, key = str(asked).partition(":")
    if not (stream and colon and key):
        raise AirflowFailException("The param try_record must be STREAM:KEY, for example campaigns:CMP_7.")
    return TrialRequest(stream, key, context["params"].get(TRIAL))


def asked_action(context: Context) -> int | None:
    """Return the action of the page that asked for this run, None for any other run."""
    asked = context["params"].get(ACTION)
    return None if asked is None else int(asked)


def show_trial(log: _Log, asked: TrialRequest, trial: Trial) -> dict[str, Any]:
    """Print the exact request and answer to the task log and return what a task may return: no values."""
    for line in (*trial.request.splitlines(), *trial.answer.splitlines(), trial.message):
        log.info("%s", line)
    return {"tried": f"{asked.stream}:{asked.key}", "accepted": trial.accepted}
