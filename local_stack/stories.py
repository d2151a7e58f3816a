"""The stories that the sample domain tells, each by one command against the running stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from local_stack.airflow_api import AirflowApi
from local_stack.place import Ports, StackError
from local_stack.runs import run_dag, show_streams
from local_stack.stack import connect_source
from salesforce_sandbox.control import Control
from sample_domain.warehouse import change_rows

PAUSE = "pause_on_export_errors"
EXPORT, REEXPORT = "CRMExport", "CRMExport_ExportError"


@dataclass
class Teller:
    """Tells a story against a running stack."""

    api: AirflowApi
    control: Control
    console: Console
    ports: Ports

    def say(self, text: str) -> None:
        """Print a sentence of the story."""
        self.console.print(f"[bold]{text}[/]")

    def export(self) -> None:
        """Run CRMExport."""
        run_dag(self.api, self.console, EXPORT)

    def reexport(self) -> None:
        """Run the daily job now, for every open error."""
        run_dag(self.api, self.console, REEXPORT, {"every": True})

    def show(self) -> None:
        """Print the table."""
        show_streams(self.api, self.console, self.ports)


def tell_story(number: int, teller: Teller) -> None:
    """Tell a story by its number; raises StackError for an unknown one."""
    if number not in STORIES:
        listed = "; ".join(f"N={known}: {story.__doc__}" for known, story in STORIES.items())
        raise StackError(f"There is no story {number}. {listed}")
    STORIES[number](teller)


def _rule_on(teller: Teller) -> None:
    """One rule stops a stream; correct it, and the next run goes on from the record."""
    teller.say("The setting is on. In Salesforce, the admin switches the rule BT_Needs_Channel_Path off.")
    teller.api.set_variable(PAUSE, "true")
    teller.control.switch_rule("BT_Needs_Channel_Path", active=False)
    teller.export()
    teller.say("buyer_touchpoints went on from the record it was held at, up to the next refused one.")
    teller.show()


def _rule_off(teller: Teller) -> None:
    """The setting off: refused records are passed over, and the daily job heals them once the rule is corrected."""
    teller.say("The data inconsistency is acknowledged: pause_on_export_errors is set to off.")
    teller.api.set_variable(PAUSE, "false")
    teller.export()
    teller.show()
    teller.say("Now the admin switches two rules off, and the daily job runs.")
    for rule in ("BT_Needs_Channel_Path", "Lead_Needs_Status_Reason"):
        teller.control.switch_rule(rule, active=False)
    teller.reexport()
    teller.show()


def _one_group(teller: Teller) -> None:
    """150 errors of one trigger are one group: correct one rule, send the group again."""
    teller.api.set_variable(PAUSE, "false")
    teller.export()
    teller.show()
    teller.say("The admin exempts the integration user from Closed_Opps_Are_Frozen; the errors are sent again.")
    teller.control.switch_rule("Closed_Opps_Are_Frozen", active=False)
    teller.reexport()
    teller.show()


def _locks(teller: Teller) -> None:
    """Locks that clear by themselves never reach a human."""
    teller.api.set_variable(PAUSE, "false")
    teller.export()
    with connect_source(teller.ports) as connection:
        found = connection.execute(
            "select count(*) from crm_export.ExportErrors where error_code = 'UNABLE_TO_LOCK_ROW'"
        ).fetchone()
    teller.say(f"Five records were locked while somebody edited the opportunity; export errors of locks: {found[0]}."
               if found else "")  # fmt: skip


def _waiting(teller: Teller) -> None:
    """A refused campaign: its touchpoints wait and are released together."""
    teller.api.set_variable(PAUSE, "false")
    teller.export()
    teller.show()
    teller.say("The admin adds Unknown to the picklist Areas of Interest; the daily job sends the campaign, then them.")
    teller.control.add_picklist_values("Campaign", "Areas_of_Interest__c", "Unknown")
    teller.reexport()
    teller.show()


def _system(teller: Teller) -> None:
    """Expired sessions and lost answers: nothing is lost, and nothing becomes an export error."""
    with connect_source(teller.ports) as connection:
        change_rows(connection, 300)
    teller.say("Every session expires, and the first answer after a commit is lost.")
    teller.control.expire_sessions()
    teller.control.add_fault(match={"method": "PATCH", "path_regex": "Bizible_Touchpoint"}, cut="after")
    teller.export()
    teller.show()


STORIES: dict[int, Callable[[Teller], None]] = {
    1: _rule_on,
    2: _rule_off,
    3: _one_group,
    4: _locks,
    5: _waiting,
    6: _system,
}
