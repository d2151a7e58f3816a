"""A window of several jobs: its stop is the first rejected row of all of them, and they are settled as one."""

from __future__ import annotations

from collections import Counter

import pytest

from exporter import Exporter, make_stream
from include.export.bulk import settlement
from include.export.ledger.runs import Outcome

PARTS = 5
# the divided window has the rows 56 to 295, after a request of 25 and a job of 30
PART_OF = """
select id, mod(mod(hashtextextended(id::text, 0), 5) + 5, 5) from app.accounts where id between 56 and 295 order by id
"""
JOBS = "select state, part, parts, sent, refused from crm_export.ExportBatches where transport = 'bulk' order by id"
WINDOWS = "select row_count from crm_export.ExportBatches where transport = 'bulk' and part = 0 order by id"
STAGED = "select count(*) from crm_export.ExportedVersions where staged_for is not null"


class Killed(BaseException):
    """The end of a process."""


@pytest.fixture
def bulk(exporter: Exporter) -> Exporter:
    """Return an exporter with 295 new rows, the last 240 of which are a window of five jobs with the setting on."""
    exporter.stream = make_stream(bulk_from=30, lock_order="id")
    exporter.options |= {"poll_delays": (0.02, 0.05), "part_rows": 20}
    exporter.add_many(1, 295)
    return exporter


def spoil(bulk: Exporter, *ids: int) -> None:
    """Let the org reject rows."""
    bulk.connection.execute("update app.accounts set name = 'bad' where id = any (%s)", [list(ids)])


def repair(bulk: Exporter) -> None:
    """Let the org accept them."""
    bulk.control.switch_rule("no_bad_names", active=False)


def parts(bulk: Exporter) -> dict[int, list[int]]:
    """Return the ids of the window by their part."""
    found: dict[int, list[int]] = {}
    for number, part in bulk.connection.execute(PART_OF):
        found.setdefault(part, []).append(number)
    assert sorted(found) == list(range(PARTS))
    return found


def jobs(bulk: Exporter) -> list[tuple[str, int, int, int | None, int | None]]:
    """Return the jobs of the ledger: state, part, parts, rows and rejections."""
    return bulk.connection.execute(JOBS).fetchall()


def hold_of(bulk: Exporter) -> str:
    """Return the gate's message."""
    hold = bulk.gate()
    assert hold is not None
    return hold.message


def check_complete(bulk: Exporter) -> None:
    """Check that everything has arrived and nothing is unsettled."""
    assert len(bulk.names()) == 295
    assert bulk.watermark() == "295"
    assert bulk.errors("status <> 'resolved'") == []
    assert bulk.connection.execute(STAGED).fetchone() == (0,)
    assert bulk.connection.execute("select count(*) from crm_export.ExportBatchRows").fetchone() == (0,)
    assert bulk.reconcile().late == 0


def run_until_killed(bulk: Exporter, monkeypatch: pytest.MonkeyPatch, settled: int) -> None:
    """Run with the setting on until the given number of the window's jobs is settled."""
    settle = settlement._Settling.settle

    def settle_or_die(settling: settlement._Settling) -> bool:
        if settling.batch.parts == PARTS and settling.batch.part == settled:
            raise Killed
        return settle(settling)

    with monkeypatch.context() as patched:
        patched.setattr(settlement._Settling, "settle", settle_or_die)
        with pytest.raises(Killed):
            bulk.run(pause=True)


@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_clean_window_is_sent_by_several_jobs_and_each_row_once(bulk: Exporter, pause: bool) -> None:
    report = bulk.run(pause=pause)
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 295)
    divided = [job for job in jobs(bulk) if job[2] == PARTS]
    assert [(state, part) for state, part, *_ in divided] == [("SETTLED", part) for part in range(PARTS)]
    assert len(bulk.control.writes("Account")) == 295
    check_complete(bulk)


def test_with_the_setting_on_the_first_job_of_a_run_is_alone(bulk: Exporter) -> None:
    bulk.run(pause=True)
    assert [count for _, _, count, *_ in jobs(bulk)] == [1] + [PARTS] * PARTS


def test_one_rejected_row_in_each_part_stops_at_the_first_of_them(bulk: Exporter) -> None:
    bad = sorted(ids[len(ids) // 2] for ids in parts(bulk).values())
    spoil(bulk, *bad)
    report = bulk.run(pause=True)
    assert report.outcome is Outcome.HELD
    assert bulk.watermark() == str(bad[0] - 1)
    assert sorted(int(error["record_key"]) for error in bulk.errors("status = 'open'")) == bad
    assert f"stopped at key={bad[0]} " in hold_of(bulk)
    assert f"Up to {295 - bad[0] - 4:,} later rows are in Salesforce already" in hold_of(bulk)
    assert "not listed one by one" not in hold_of(bulk)
    assert len(bulk.names()) == 290
    repair(bulk)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    check_complete(bulk)


@pytest.mark.parametrize("last", [False, True], ids=["of its first job", "of its last job"])
def test_the_stop_is_the_first_rejected_row_whichever_job_has_it(bulk: Exporter, last: bool) -> None:
    of = parts(bulk)
    first, *others = of[PARTS - 1 if last else 0][:3]
    bad = [first, *others, *(number for ids in of.values() for number in ids if number > 250)]
    spoil(bulk, *bad)
    assert bulk.run(pause=True).outcome is Outcome.HELD
    assert bulk.watermark() == str(first - 1)
    assert f"Up to {295 - first - len(set(bad)) + 1:,} later rows" in hold_of(bulk)
    repair(bulk)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    check_complete(bulk)


def test_rejections_that_are_passed_over_are_all_recorded_with_the_setting_off(bulk: Exporter) -> None:
    spoil(bulk, *range(60, 296))
    report = bulk.run(pause=False)
    assert (report.outcome, report.rejected) == (Outcome.COMPLETE, 236)
    assert len(bulk.errors("status = 'open'")) == 236
    assert bulk.watermark() == "295"


class TestMoreRejectionsThanAreRecorded:
    """Of 236 rejected rows, each job records 40; the others are only counted."""

    @pytest.fixture(autouse=True)
    def spoil_most(self, bulk: Exporter) -> None:
        spoil(bulk, *range(60, 296))
        bulk.connection.execute("update app.accounts set kind = 'no such kind', name = 'x' where id > 290")

    def test_the_hold_counts_what_is_not_recorded_over_all_jobs(self, bulk: Exporter) -> None:
        by_part = [len([number for number in ids if number >= 60]) for ids in parts(bulk).values()]
        assert min(by_part) > 40
        report = bulk.run(pause=True)
        assert report.outcome is Outcome.HELD
        assert bulk.watermark() == "59"
        assert len(bulk.errors("status = 'open'")) == 200
        codes = "31 FIELD_CUSTOM_VALIDATION_EXCEPTION, 5 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert f"had 36 more rejections, which are not listed one by one: {codes}." in hold_of(bulk)
        assert "later rows are in Salesforce" not in hold_of(bulk)

    def test_after_the_repair_it_goes_on_and_resolves_them(self, bulk: Exporter) -> None:
        bulk.run(pause=True)
        repair(bulk)
        bulk.connection.execute("update app.accounts set kind = null")
        assert bulk.run(pause=True).outcome is Outcome.COMPLETE
        check_complete(bulk)

    def test_where_an_operator_decided_about_each_recorded_row_it_stops_at_the_first_other(
        self, bulk: Exporter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        end_window = settlement._Settling._end_window

        def decide_first(settling: settlement._Settling, first_unanswered: None) -> bool:
            if settling.batch.parts == PARTS:
                monkeypatch.undo()
                settling.run.connection.execute("update crm_export.ExportErrors set status = 'set_aside'")
            return end_window(settling, first_unanswered)

        counted = min(number for ids in parts(bulk).values() for number in [n for n in ids if n >= 60][40:])
        monkeypatch.setattr(settlement._Settling, "_end_window", decide_first)
        assert bulk.run(pause=True).outcome is Outcome.HELD
        assert bulk.watermark() == str(counted - 1)
        assert f"stopped at key={counted} " in hold_of(bulk)
        sizes = [rows for (rows,) in bulk.connection.execute(WINDOWS)]
        assert sizes == [30, 240, 30], "the window after it begins at a rejected record and is small"

    def test_where_the_setting_goes_off_before_the_last_job_is_settled_none_is_passed(
        self, bulk: Exporter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run_until_killed(bulk, monkeypatch, PARTS - 1)
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert len(bulk.errors("status = 'open'")) == 236


@pytest.mark.fault("G1")
@pytest.mark.parametrize("settled", range(1, PARTS))
@pytest.mark.parametrize("rejected", [False, True], ids=["clean", "rejected"])
def test_a_run_that_is_killed_between_two_settlements_is_continued(
    bulk: Exporter, monkeypatch: pytest.MonkeyPatch, settled: int, rejected: bool
) -> None:
    bad = sorted(ids[len(ids) // 2] for ids in parts(bulk).values())
    spoil(bulk, *(bad if rejected else ()))
    run_until_killed(bulk, monkeypatch, settled)
    assert bulk.watermark() == "55", "no job of a window acknowledges anything before its last one"
    assert Counter(state for state, _, count, *_ in jobs(bulk) if count == PARTS)["SETTLED"] == settled
    before = bulk.last_call()
    report = bulk.run(pause=True)
    assert report.outcome is (Outcome.HELD if rejected else Outcome.COMPLETE)
    assert bulk.watermark() == (str(bad[0] - 1) if rejected else "295")
    uploads = [call for call in bulk.calls(before) if call["method"] == "PUT" and "/jobs/" in call["path"]]
    assert uploads == [], "the jobs were adopted"
    if rejected:
        assert f"Up to {295 - bad[0] - 4:,} later rows" in hold_of(bulk)
        repair(bulk)
        bulk.run(pause=True)
    check_complete(bulk)


def test_a_window_with_a_job_that_has_no_rows_is_settled(bulk: Exporter) -> None:
    bulk.stream = make_stream(bulk_from=30, lock_order="kind")
    bulk.connection.execute("update app.accounts set kind = case when id % 2 = 0 then 'A' else 'B' end")
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    assert [sent for _, _, count, sent, _ in jobs(bulk) if count == PARTS].count(0) >= 3
    check_complete(bulk)


@pytest.mark.parametrize(("pause", "rows"), [(True, 240), (False, 270)], ids=["on", "off"])
def test_the_rows_of_one_parent_are_in_one_job(bulk: Exporter, pause: bool, rows: int) -> None:
    bulk.stream = make_stream(bulk_from=30, lock_order="name")
    bulk.connection.execute("update app.accounts set name = 'Parent ' || id % 10")
    assert bulk.run(pause=pause).outcome is Outcome.COMPLETE
    sent = [sent or 0 for _, _, count, sent, _ in jobs(bulk) if count == PARTS]
    assert (sum(sent), sent.count(rows)) == (rows, 0)
    assert all(each % (rows // 10) == 0 for each in sent), "each parent has rows // 10 rows, all in one job"
    check_complete(bulk)


@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_what_csv_cannot_represent_is_sent_in_front_of_the_stop_only(bulk: Exporter, pause: bool) -> None:
    bulk.connection.execute("update app.accounts set notes = '#N/A' where id in (100, 200)")
    spoil(bulk, 150)
    bulk.run(pause=pause)
    assert bulk.watermark() == ("149" if pause else "295")
    assert "A100" in bulk.names()
    assert ("A200" in bulk.names()) == (not pause)
    repair(bulk)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    bulk.reexport(every=True)
    check_complete(bulk)


def test_where_a_job_of_the_window_fails_none_of_its_rows_is_acknowledged(bulk: Exporter) -> None:
    spoil(bulk, 200)
    bulk.control.set_bulk(batch_rows=10)
    bulk.control.add_job_fault(on_job=4, fail="InternalServerError : planted", fail_after_batches=1)
    with pytest.raises(Exception, match="InternalServerError : planted"):
        bulk.run(pause=True)
    assert bulk.watermark() == "55"
    repair(bulk)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    check_complete(bulk)


def test_a_job_behind_the_stop_is_aborted(bulk: Exporter) -> None:
    spoil(bulk, 40)
    assert bulk.run(pause=True, part_rows=200).outcome is Outcome.HELD
    assert bulk.watermark() == "39"
    assert [state for state, *_ in jobs(bulk)] == ["SETTLED", "ABANDONED"]
    assert set(bulk.names()) == {f"A{n}" for n in range(1, 56) if n != 40}


def test_a_stream_that_must_stop_exactly_has_no_jobs(bulk: Exporter) -> None:
    bulk.stream = make_stream(bulk_from=30, lock_order="id", exact_stop=True)
    spoil(bulk, 200)
    assert bulk.run(pause=True).outcome is Outcome.HELD
    assert jobs(bulk) == []
    assert set(bulk.names()) == {f"A{n}" for n in range(1, 200)}


def test_behind_an_adopted_clean_job_windows_grow(bulk: Exporter) -> None:
    bulk.add_many(296, 600)
    bulk.control.set_bulk(delay_seconds=0.5)
    assert bulk.run(pause=True, job_patience=0.0).outcome is Outcome.WAITING_FOR_JOB
    bulk.control.set_bulk(delay_seconds=0.0)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    assert [count for state, _, count, *_ in jobs(bulk) if state == "SETTLED"][:2] == [1, PARTS]
    assert len(bulk.names()) == 600
