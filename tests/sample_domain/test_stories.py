"""The stories of the sample domain, run against the exporter itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from exporter import Exporter
from include.export.ledger.runs import Outcome, RunIdentity
from include.export.reconcile.sum_checks import SumCheck, load_checks, run_check
from include.export.salesforce.error_catalogue import Catalogue
from include.export.streams.files import DEFAULT_FOLDER, load_streams
from include.export.streams.stream import Stream
from salesforce_sandbox.process import RunningSandbox, start_sandbox
from sample_domain.existing_records import fill_org
from sample_domain.warehouse import change_rows, fill_source

ORG = Path(__file__).resolve().parents[2] / "sample_domain" / "org.yaml"
STREAMS = {stream.name: stream for stream in load_streams(DEFAULT_FOLDER) if isinstance(stream, Stream)}


@pytest.fixture(scope="module")
def northwind_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """Return a sandbox with the org of the sample."""
    with start_sandbox(ORG, Path(tempfile.mkdtemp(dir=tmp_path_factory.mktemp("org")))) as running:
        yield running


class Company:
    """Northwind Cloud: every stream of the sample, run in order."""

    def __init__(self, connection: psycopg.Connection, server: RunningSandbox) -> None:
        self.connection, self.control = connection, server.control
        self.url = server.https_url

    def stream(self, name: str) -> Exporter:
        return Exporter(self.connection, self.control, self.url, Catalogue.load(), STREAMS[name])

    def export(self, *, pause: bool) -> dict[str, Outcome]:
        return {name: self.stream(name).run(pause=pause).outcome for name in STREAMS}

    def reexport(self) -> dict[str, int]:
        return {name: self.stream(name).reexport(every=True).exported for name in STREAMS}

    def unresolved(self) -> dict[tuple[str, str, str], int]:
        rows = self.connection.execute(
            "select stream, error_code, status, count(*) from crm_export.ExportErrors"
            " where status <> 'resolved' group by 1, 2, 3"
        )
        return {(stream, code, status): count for stream, code, status, count in rows}


@pytest.fixture
def company(
    connect: Callable[..., psycopg.Connection],
    northwind_server: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Company:
    """Return the company with its warehouse and its org as they are before the first run."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", northwind_server.ca_file)
    connection = connect()
    northwind_server.control.reset()
    fill_source(connection)
    fill_org(connection, northwind_server.control)
    return Company(connection, northwind_server)


ALL_REJECTIONS = {
    ("campaigns", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "open"): 1,
    ("persons", "CANNOT_UPDATE_CONVERTED_LEAD", "open"): 25,
    ("buyer_touchpoints", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "open"): 3,
    ("buyer_touchpoints", "STRING_TOO_LONG", "open"): 12,
    ("buyer_touchpoints", "ENTITY_IS_DELETED", "open"): 8,
    ("buyer_touchpoints", "INVALID_FIELD", "waiting"): 60,
    ("buyer_attribution_touchpoints", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "open"): 152,
    ("buyer_attribution_touchpoints", "ENTITY_IS_LOCKED", "open"): 6,
    ("account_scores", "INSUFFICIENT_ACCESS_OR_READONLY", "open"): 2,
    ("lead_accounts", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "open"): 40,
}


def test_filling_twice_changes_nothing(company: Company, northwind_server: RunningSandbox) -> None:
    query = "select max(_modified_date), count(*) from mm.biz_touchpoints"
    before = company.connection.execute(query).fetchone()
    assert fill_source(company.connection) is False
    assert fill_org(company.connection, northwind_server.control) is False
    assert company.connection.execute(query).fetchone() == before


def test_the_sample_has_the_rows_of_the_design(company: Company) -> None:
    tables = ("accounts", "leads", "contacts", "opportunities", "campaigns", "touchpoints", "attribution_touchpoints")
    counts = [
        company.connection.execute(f"select count(*) from mm.biz_{table}").fetchone()[0]  # type: ignore[index] # a count
        for table in tables
    ]
    assert counts == [60, 400, 300, 80, 25, 5_000, 1_200]


def test_story_1_one_rule_stops_a_stream_until_it_is_fixed(company: Company) -> None:
    assert company.export(pause=True)["buyer_touchpoints"] is Outcome.HELD
    touchpoints = company.stream("buyer_touchpoints")
    assert touchpoints.watermark() == "TP2_00003599"
    hold = touchpoints.gate()
    assert hold is not None
    assert "key=TP2_00003600" in hold.message
    company.control.switch_rule("BT_Needs_Channel_Path", active=False)
    touchpoints.run()
    assert touchpoints.watermark() == "TP2_00003799"
    history = company.control.history("bizible2__Bizible_Touchpoint__c", "TP2_00003600")
    assert len(history) == 1


def test_story_2_passed_over_and_healed_by_the_daily_job(company: Company) -> None:
    outcomes = company.export(pause=False)
    assert set(outcomes.values()) == {Outcome.COMPLETE}
    assert company.unresolved() == ALL_REJECTIONS
    for rule in ("BT_Needs_Channel_Path", "Lead_Needs_Status_Reason", "Converted_Leads_Are_Hidden"):
        company.control.switch_rule(rule, active=False)
    assert company.reexport()["lead_accounts"] == 40
    assert not any(code == "CANNOT_UPDATE_CONVERTED_LEAD" for _, code, _ in company.unresolved())


def test_story_3_one_trigger_is_one_cause(company: Company) -> None:
    company.export(pause=False)
    company.control.switch_rule("Closed_Opps_Are_Frozen", active=False)
    assert company.reexport()["buyer_attribution_touchpoints"] == 150


def test_story_4_locks_and_request_limits_that_clear_never_reach_a_human(company: Company) -> None:
    company.export(pause=False)
    codes = {code for _, code, _ in company.unresolved()}
    assert "UNABLE_TO_LOCK_ROW" not in codes
    locked = [record for record in company.control.records("bizible2__Bizible_Attribution_Touchpoint__c")
              if record["fields"]["bizible2__UniqueId__c"] in {f"BAT2_{n:08d}" for n in range(960, 965)}]  # fmt: skip
    assert len(locked) == 5
    attempts = company.connection.execute(
        "select count(*) from crm_export.ExportErrorAttempts where error_code like 'UNABLE%'"
    )
    assert attempts.fetchone() == (0,)


def test_story_5_touchpoints_wait_for_their_campaign_and_are_released_together(company: Company) -> None:
    company.export(pause=False)
    assert company.unresolved()["buyer_touchpoints", "INVALID_FIELD", "waiting"] == 60
    company.control.add_picklist_values("Campaign", "Areas_of_Interest__c", "Unknown")
    assert company.reexport() == {
        "account_scores": 0, "campaigns": 1, "campaign_members": 0, "persons": 0, "lead_accounts": 0,
        "buyer_touchpoints": 60, "buyer_attribution_touchpoints": 0,
    }  # fmt: skip
    assert not any(status == "waiting" for _, _, status in company.unresolved())


@pytest.mark.field("F5")
def test_members_of_campaigns_are_created_with_their_campaign_and_then_change_their_status_only(
    company: Company,
) -> None:
    company.export(pause=False)
    members = company.control.records("CampaignMember")
    assert len(members) == 120
    company.connection.execute(
        "update mm.biz_campaign_members set status = 'Planned', campaign_id = 'CMP_000001',"
        " _modified_date = now() - interval '1 minute'"
    )
    report = company.stream("campaign_members").run(pause=False)
    assert (report.accepted, report.rejected) == (120, 0)
    before = {each["id"]: each["fields"]["CampaignId"] for each in members}
    changed = company.control.records("CampaignMember")
    assert {each["id"]: each["fields"]["CampaignId"] for each in changed} == before
    assert {each["fields"]["Status"] for each in changed} == {"Planned"}


def test_story_6_expired_sessions_and_lost_answers_lose_nothing(company: Company) -> None:
    company.export(pause=False)
    before = company.unresolved()
    assert change_rows(company.connection, 300) == 300
    company.control.expire_sessions()
    company.control.add_fault(match={"method": "PATCH", "path_regex": "Bizible_Touchpoint"}, cut="after")
    report = company.stream("buyer_touchpoints").run(pause=False)
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 300)
    assert company.unresolved() == before


def test_what_is_exported_of_an_opportunity_adds_up_unless_a_touchpoint_of_it_was_rejected(company: Company) -> None:
    company.export(pause=False)
    [check] = load_checks()
    assert isinstance(check, SumCheck)
    run = RunIdentity("CRMExport_Reconcile", "run", 1, "check_attribution")
    report = run_check(check, STREAMS[check.stream], connection=company.connection, run=run)
    expected = company.connection.execute(
        "select distinct b.opportunity_id from crm_export.ExportErrors e"
        " join mm.biz_attribution_touchpoints b on b.id = e.record_key"
        " where e.stream = 'buyer_attribution_touchpoints' and e.status <> 'resolved' order by 1"
    ).fetchall()
    found = company.connection.execute(
        "select subject from crm_export.ExportFindings where kind = 'check:attribution' order by 1"
    ).fetchall()
    assert (report.groups, report.off, found) == (79, len(expected), expected)
    for rule in ("Closed_Opps_Are_Frozen", "Position_Is_Needed", "Opportunity_In_Approval"):
        company.control.switch_rule(rule, active=False)
    company.reexport()
    assert run_check(check, STREAMS[check.stream], connection=company.connection, run=run).off == 0
