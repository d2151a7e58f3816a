"""A click and a run at the same moment: the user's decision always wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from exporter import Exporter
from include.export.ledger import ActionKind, AuditLine, ExportAudit, Selection
from include.export.salesforce import OrgSession, SalesforceClient
from include.export.tasks import export_stream
from people import Person, act, code

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself


def test_a_decision_during_the_probe_of_its_record_holds(op: Person, held: Exporter) -> None:
    [error] = held.errors()

    def decide_and_log_in() -> OrgSession:
        assert act(op, "set_aside", error["id"]).json()["counts"] == {"done": 1}
        return held.login()

    client = SalesforceClient(decide_and_log_in, repeat_delays=(0.01,))
    export_stream(replace(held.inputs(), client=client))
    [after] = held.errors()
    assert (after["status"], after["attempts"]) == ("set_aside", 2)
    assert held.gate() is None
    held.run()
    assert held.watermark() == "3"


def test_a_click_gives_way_to_a_run_that_settles_these_records(
    op: Person, held: Exporter, connect: Callable[..., psycopg.Connection]
) -> None:
    [error] = held.errors()
    settling = connect()
    with settling.transaction():
        settling.execute("select from crm_export.ExportErrors where id = %s for update", [error["id"]])
        assert code(act(op, "set_aside", error["id"])) == (409, "busy")
    assert held.errors()[0]["status"] == "open"
    assert act(op, "set_aside", error["id"]).json()["counts"] == {"done": 1}


def test_a_decision_that_comes_after_the_resolution_changes_nothing(held: Exporter) -> None:
    [error] = held.errors()
    audit = ExportAudit(held.connection)
    number = audit.write(AuditLine("olga", "set_aside"))
    audit.select(number, Selection(errors=[error["id"]]), retry=False)
    held.control.switch_rule("no_bad_names", active=False)
    held.run()
    audit.decide(number, ActionKind.SET_ASIDE, None, None)
    assert held.errors()[0]["status"] == "resolved"
    assert audit.results(number, finished=[], after=0, limit=10).counts == {"unchanged": 1}
