"""The stories of the sample domain, each run by one command against the running stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from rich.console import Console

from local_stack.airflow_api import AirflowApi
from local_stack.credentials import Credentials
from local_stack.ports import Ports, StackError
from local_stack.postgres.databases import EXPORTER, WAREHOUSE, connect
from local_stack.runs import FollowedRun, read_summaries, run_dag, show_streams
from salesforce_sandbox.control import Control
from sample_domain.warehouse import change_rows

PAUSE = "pause_on_export_errors"
EXPORT, REEXPORT = "CRMExport", "CRMExport_ExportError"


@dataclass
class StoryRunner:
    """Runs a story against a running stack."""

    api: AirflowApi
    control: Control
    console: Console
    ports: Ports
    credentials: Credentials
    _run: FollowedRun = field(default_factory=lambda: FollowedRun("success", {}))

    def say(self, text: str) -> None:
        """Print a line of the story."""
        self.console.print(f"[bold]{text}[/]")

    def export(self) -> None:
        """Run CRMExport."""
        self._run = run_dag(self.api, self.console, EXPORT)

    def reexport(self) -> None:
        """Run the daily job now, for every open error."""
        self._run = run_dag(self.api, self.console, REEXPORT, {"every": True})

    def show(self) -> None:
        """Print the table."""
        with self.connect(EXPORTER) as connection:
            show_streams(connection, self.console, self._run, self.api.url)

    def connect(self, role: str) -> psycopg.Connection:
        """Open the source database as a role."""
        return connect(role, self.ports.postgres, self.credentials)

    def find_hold(self, stream: str) -> str | None:
        """Return the key of the record that a stream is held at."""
        with self.connect(EXPORTER) as connection:
            return next((line.held_key for line in read_summaries(connection) if line.stream == stream), None)

    def heal(self) -> None:
        """Run the daily job and print what it resolved, and the table."""
        before = self.count_errors()
        self.reexport()
        after = self.count_errors()
        self.say(f"The daily job resolved {before - after} of {before} export errors; {after} are unresolved.")
        self.show()

    def count_errors(self) -> int:
        """Return how many export errors are unresolved."""
        with self.connect(EXPORTER) as connection:
            return sum(line.errors.unresolved for line in read_summaries(connection))


def run_story(number: int, runner: StoryRunner) -> None:
    """Run a story by its number; raises StackError for an unknown one."""
    if number not in STORIES:
        listed = "; ".join(f"N={known}: {story.__doc__}" for known, story in STORIES.items())
        raise StackError(f"There is no story {number}. {listed}")
    STORIES[number](runner)


def _rule_on(runner: StoryRunner) -> None:
    """A rule stops a stream; correct it, and the next run continues from the record."""
    stream = "buyer_touchpoints"
    before = runner.find_hold(stream)
    runner.say("The setting is on. In Salesforce, the admin switches the rule BT_Needs_Channel_Path off.")
    runner.api.set_variable(PAUSE, "true")
    runner.control.switch_rule("BT_Needs_Channel_Path", active=False)
    runner.export()
    runner.say(describe_hold(stream, before, runner.find_hold(stream)))
    runner.show()


def _rule_off(runner: StoryRunner) -> None:
    """With the setting off, rejected records are skipped, and the daily job sends them once the rule is corrected."""
    runner.say("The data inconsistency is acknowledged: pause_on_export_errors is set to off.")
    runner.api.set_variable(PAUSE, "false")
    runner.export()
    runner.show()
    runner.say("Now the admin switches two rules off, and the daily job runs.")
    for rule in ("BT_Needs_Channel_Path", "Lead_Needs_Status_Reason"):
        runner.control.switch_rule(rule, active=False)
    runner.heal()


def _one_group(runner: StoryRunner) -> None:
    """The errors of one trigger are one cause: correct it, and send all its records again."""
    runner.api.set_variable(PAUSE, "false")
    runner.export()
    runner.show()
    runner.say("The admin exempts the integration user from Closed_Opps_Are_Frozen; the errors are sent again.")
    runner.control.switch_rule("Closed_Opps_Are_Frozen", active=False)
    runner.heal()


def _locks(runner: StoryRunner) -> None:
    """Transient locks are retried and never become export errors."""
    runner.api.set_variable(PAUSE, "false")
    runner.export()
    with runner.connect(EXPORTER) as connection:
        found = connection.execute(
            "select count(*) from crm_export.ExportErrors where error_code = 'UNABLE_TO_LOCK_ROW'"
        ).fetchone()
    runner.say("In the sample somebody edits an opportunity while its records are sent for the first time.")
    runner.say(f"Export errors of locks, ever: {found[0] if found else 0}.")


def _waiting(runner: StoryRunner) -> None:
    """A rejected campaign: its touchpoints wait for it and are sent together."""
    runner.api.set_variable(PAUSE, "false")
    runner.export()
    runner.show()
    runner.say("The admin adds Unknown to the picklist Areas of Interest; the daily job sends the campaign, then them.")
    runner.control.add_picklist_values("Campaign", "Areas_of_Interest__c", "Unknown")
    runner.heal()


def _system(runner: StoryRunner) -> None:
    """Expired sessions and lost answers: nothing is lost, and nothing becomes an export error."""
    before = runner.count_errors()
    with runner.connect(WAREHOUSE) as connection:
        changed = change_rows(connection, 300)
    runner.say(f"{changed} rows change. Every session expires, and the first answer after a commit is lost.")
    runner.control.expire_sessions()
    runner.control.add_fault(match={"method": "PATCH", "path_regex": "Bizible_Touchpoint"}, cut="after")
    runner.export()
    runner.say(f"Unresolved export errors: {before} before, {runner.count_errors()} now.")
    runner.show()


def describe_hold(stream: str, before: str | None, after: str | None) -> str:
    """Describe what happened to a hold: `before` and `after` are the keys that a stream was and is held at."""
    if before is None:
        now = f" It is held at {after} now." if after else ""
        return f"{stream} was not held, so there was nothing to continue.{now}"
    if after == before:
        return f"{stream} is still held at {before}: another rule rejects it."
    return f"{stream} continued from {before}, " + (
        f"up to {after}, the next rejected one." if after else "to its end."
    )


STORIES: dict[int, Callable[[StoryRunner], None]] = {
    1: _rule_on,
    2: _rule_off,
    3: _one_group,
    4: _locks,
    5: _waiting,
    6: _system,
}
