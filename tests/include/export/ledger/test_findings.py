"""Findings that the daily check only reports: records without a source row, sums that do not add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure, SalesforceFailure
from include.export.ledger.runs import RunIdentity
from include.export.reconcile.orphans import OrphansReport, report_orphans
from include.export.reconcile.sum_checks import BrokenCheck, CheckReport, SumCheck, load_checks, run_check

RUN = RunIdentity("CRMExport_Reconcile", "run", 1, "report")


def orphans(exporter: Exporter, **options: Any) -> OrphansReport:
    """Run the report of records without a source row."""
    return report_orphans(exporter.inputs(**options))


def findings(exporter: Exporter) -> list[tuple[str, str, bool]]:
    """Return kind, subject and whether it is closed."""
    return exporter.connection.execute(
        "select kind, subject, closed_at is not null from crm_export.ExportFindings order by subject, id"
    ).fetchall()


class TestRecordsWithoutASourceRow:
    def test_they_are_reported_with_their_salesforce_id_and_nothing_is_changed(self, exporter: Exporter) -> None:
        exporter.add_many(1, 40)
        exporter.run()
        exporter.connection.execute("delete from app.accounts where id in (7, 8)")
        exporter.control.add_records("Account", [{"Name": "made by hand"}, {"Name": "foreign", "Ext__c": "Z1"}])
        before = exporter.last_call()
        report = orphans(exporter)
        assert (report.listed, report.without_source, report.api_calls) == (41, 3, 3)
        assert findings(exporter) == [("no_source_row", name, False) for name in ("A7", "A8", "Z1")]
        assert {call["method"] for call in exporter.calls(before)} == {"GET"}
        [(detail,)] = exporter.connection.execute(
            "select told from crm_export.ExportFindings where subject = 'A7'"
        ).fetchall()
        assert detail.startswith("Account 001")
        assert detail.endswith(" has no row in app.accounts; delete it there, or restore the row.")

    def test_a_finding_closes_once_it_is_gone_and_is_reported_anew_when_it_returns(self, exporter: Exporter) -> None:
        exporter.control.add_records("Account", [{"Name": "foreign", "Ext__c": "A1"}])
        orphans(exporter)
        exporter.add({"id": 1})
        assert orphans(exporter).without_source == 0
        assert findings(exporter) == [("no_source_row", "A1", True)]
        exporter.connection.execute("delete from app.accounts")
        orphans(exporter)
        assert findings(exporter) == [("no_source_row", "A1", True), ("no_source_row", "A1", False)]

    def test_all_pages_are_read(self, exporter: Exporter) -> None:
        for start in range(0, 4100, 1025):
            exporter.control.add_records(
                "Account", [{"Name": "n", "Ext__c": f"K{n}"} for n in range(start, start + 1025)]
            )
        report = orphans(exporter)
        assert (report.listed, report.without_source, report.api_calls) == (4100, 4100, 5)

    def test_what_salesforce_trims_or_spells_in_another_case_is_the_same_record(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "ext": "Ab "})
        exporter.control.add_records("Account", [{"Name": "n", "Ext__c": "aB"}])
        assert orphans(exporter).without_source == 0

    def test_a_listing_that_the_api_budget_does_not_allow_is_skipped_and_reported(self, exporter: Exporter) -> None:
        exporter.control.add_records("Account", [{"Name": "n", "Ext__c": "K1"}])
        report = orphans(exporter, daily_api_limit=2)
        assert report.message == "Not compared: listing the records takes 1 API calls, and 0 are left."
        assert findings(exporter) == []

    def test_a_stream_that_only_updates_is_not_asked(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(operation="update")
        assert "only updates records that others create" in orphans(exporter).message
        assert exporter.calls() == []

    def test_a_next_page_that_leads_elsewhere_is_not_followed(self, exporter: Exporter) -> None:
        page = '{"totalSize": 1, "done": false, "records": [], "nextRecordsUrl": "https://evil.example/query/1"}'
        exporter.control.add_fault(match={"path_regex": "query"}, on_call=2, answer={"status": 200, "body": page})
        with pytest.raises(SalesforceFailure, match="not a path in the org"):
            orphans(exporter)
        [line] = exporter.connection.execute("select kind, outcome, message from crm_export.ExportRuns").fetchall()
        assert line[:2] == ("reconcile", "failed")
        assert "not a path in the org" in line[2]

    def test_another_org_behind_the_connection_is_rejected_without_findings(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.run()
        exporter.connection.execute("update crm_export.ExportWatermarks set organization_id = '00DOTHER0000000'")
        exporter.control.add_records("Account", [{"Name": "foreign", "Ext__c": "Z1"}])
        with pytest.raises(ConfigurationFailure, match="leads to Salesforce org"):
            orphans(exporter)
        assert findings(exporter) == []


class TestSumsThatDoNotAddUp:
    CHECK = SumCheck(name="parts", stream="accounts", group_by="kind", sums=("amount",), total=100, tolerance=0.1)

    def run(self, exporter: Exporter, check: SumCheck = CHECK) -> CheckReport:
        return run_check(check, exporter.stream, connection=exporter.connection, run=RUN)

    def test_only_rows_that_were_exported_count(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "kind": "A", "amount": 60}, {"id": 2, "kind": "A", "amount": 39.95})
        exporter.add({"id": 3, "kind": "B", "amount": 50}, {"id": 4, "kind": "B", "amount": 50, "name": "bad"})
        exporter.run(pause=False)
        exporter.add({"id": 5, "kind": "A", "amount": 1, "minute": 500})
        report = self.run(exporter)
        assert report.message == "2 groups by kind, 1 do not add up to 100."
        detail = exporter.connection.execute("select kind, subject, told from crm_export.ExportFindings").fetchall()
        assert detail == [("check:parts", "B", "The exported rows add up to amount 50; each should be 100.")]
        exporter.control.switch_rule("no_bad_names", active=False)
        exporter.reexport(every=True)
        assert self.run(exporter).off == 0
        assert findings(exporter) == [("check:parts", "B", True)]

    def test_a_column_that_is_not_there_is_one_message(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.run()
        with pytest.raises(
            ConfigurationFailure, match=r"Check parts: app.accounts has no column share\. Its columns: "
        ):
            self.run(exporter, self.CHECK.model_copy(update={"sums": ("share",)}))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("stream: a\ngroup_by: b\nsums: [c]\n", "total: Field required"),
            ("stream: a\ngroup_by: b\nsums: [c]\ntotal: much\n", "total"),
            ("stream: a\ngroup_by: b\nsums: []\ntotal: 1\n", "sums"),
            ("- a\n", "must be a mapping"),
            ("a: 1\na: 2\n", "the key a appears twice"),
            ("name: other\n", "name: is not a field"),
        ],
    )
    def test_a_mistake_in_a_file_names_the_file_and_the_field(self, tmp_path: Path, text: str, words: str) -> None:
        (tmp_path / "sums.yaml").write_text(text)
        [check] = load_checks(tmp_path)
        assert isinstance(check, BrokenCheck)
        assert check.message.startswith("Check file sums.yaml: ")
        assert words in check.message

    def test_no_folder_is_no_check(self, tmp_path: Path) -> None:
        assert load_checks(tmp_path / "none") == ()
