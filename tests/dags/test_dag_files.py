"""The DAG files: the DAGs they define, and that parsing them reads stream files only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

from crm_export.operators.dag_layout import find_active_runs
from include.export.streams.files import DEFAULT_FOLDER, load_streams

ROOT = Path(__file__).resolve().parents[2]
DAG_IDS = ("CRMExport", "CRMExport_ExportError", "CRMExport_Reconcile")
STREAMS = [stream.name for stream in load_streams(DEFAULT_FOLDER)]


def load_dags() -> DagBag:
    return DagBag(dag_folder=str(ROOT / "dags"), safe_mode=False)


@pytest.fixture(scope="module")
def dags() -> DagBag:
    return load_dags()


def test_there_are_exactly_the_three_dags_and_no_import_error(dags: DagBag) -> None:
    assert dags.import_errors == {}
    assert set(dags.dags) == set(DAG_IDS)


def test_every_stream_has_its_two_tasks(dags: DagBag) -> None:
    tasks = set(dags.dags["CRMExport"].task_ids)
    names = ("export_changes", "pause_on_export_errors")
    assert tasks == {"prepare_schema", "send_alerts"} | {f"{stream}.{name}" for stream in STREAMS for name in names}
    assert set(dags.dags["CRMExport_ExportError"].task_ids) == {"prepare_schema", "send_alerts", *STREAMS}
    last = {"check_attribution", "purge_history", "send_alerts"}
    assert set(dags.dags["CRMExport_Reconcile"].task_ids) == {"prepare_schema"} | last | {
        f"{stream}.{name}" for stream in STREAMS for name in ("export_late_rows", "report_orphans", "report_drift")
    }


def test_children_wait_for_their_parents_to_end_not_to_succeed(dags: DagBag) -> None:
    child = dags.dags["CRMExport"].get_task("buyer_touchpoints.export_changes")
    assert child.upstream_task_ids == {"campaigns.pause_on_export_errors", "persons.pause_on_export_errors"}
    assert child.trigger_rule == "all_done"


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_held_stream_keeps_its_schedule(dags: DagBag, dag_id: str) -> None:
    dag = dags.dags[dag_id]
    assert dag.max_active_runs == (8 if dag_id == "CRMExport" else 1)
    assert dag.catchup is False
    assert dag.max_consecutive_failed_dag_runs == 0
    assert not any(task.depends_on_past for task in dag.tasks)


def test_the_daily_check_goes_parents_first_and_its_sums_come_after_their_stream(dags: DagBag) -> None:
    dag = dags.dags["CRMExport_Reconcile"]
    child = dag.get_task("buyer_touchpoints.export_late_rows")
    assert child.upstream_task_ids == {"campaigns.export_late_rows", "persons.export_late_rows"}
    assert child.trigger_rule == "all_done"
    check = dag.get_task("check_attribution")
    assert check.upstream_task_ids == {"buyer_attribution_touchpoints.export_late_rows"}


@pytest.mark.fault("G9")
def test_a_held_stream_keeps_its_schedule_where_a_limit_is_set_for_all_dags() -> None:
    code = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        "from airflow.serialization.serialized_objects import DagSerialization\n"
        f"bag = DagBag(dag_folder={str(ROOT / 'dags')!r}, safe_mode=False)\n"
        "for dag in bag.dags.values():\n"
        "    written = DagSerialization.from_dict(DagSerialization.to_dict(dag))\n"
        "    print(dag.dag_id, dag.max_consecutive_failed_dag_runs, written.max_consecutive_failed_dag_runs)\n"
    )
    environment = os.environ | {
        "AIRFLOW__CORE__MAX_CONSECUTIVE_FAILED_DAG_RUNS_PER_DAG": "5",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    found = sorted(line for line in done.stdout.splitlines() if line.startswith("CRMExport"))
    assert found == [f"{dag_id} 0 0" for dag_id in sorted(DAG_IDS)], done.stderr[-1000:]


def test_the_gate_checks_once_and_never_ends_as_skipped(dags: DagBag) -> None:
    gate = dags.dags["CRMExport"].get_task("campaigns.pause_on_export_errors")
    assert (gate.soft_fail, gate.never_fail, gate.silent_fail, gate.mode) == (False, False, False, "poke")


def test_where_plugins_are_loaded_parsing_imports_nothing_more() -> None:
    code = (
        "import sys\n"
        "from airflow.plugins_manager import ensure_plugins_loaded\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        "ensure_plugins_loaded()\n"
        "before = set(sys.modules)\n"
        f"bag = DagBag(dag_folder={str(ROOT / 'dags')!r}, safe_mode=False)\n"
        "own = ('airflow.', 'unusual_prefix')  # Airflow's modules, and the DAG files themselves\n"
        "found = set(sys.modules) - before\n"
        "more = sorted(n for n in found if not n.startswith(own) or n.startswith('airflow.providers.'))\n"
        "print('imported:', len(bag.dags), more)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "imported: 3 []" in done.stdout, (done.stdout + done.stderr)[-1000:]


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_the_dags_survive_serialization(dags: DagBag, dag_id: str) -> None:
    written = json.loads(json.dumps(DagSerialization.to_dict(dags.dags[dag_id])))
    assert DagSerialization.from_dict(written).dag_id == dag_id


def test_a_broken_stream_file_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in DEFAULT_FOLDER.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "broken.yaml").write_text("source: nowhere\n")
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(tmp_path))
    loaded = load_dags()
    assert loaded.import_errors == {}
    task = loaded.dags["CRMExport"].get_task("broken.export_changes")
    assert "Stream file broken.yaml" in task.message
    assert "campaigns.export_changes" in loaded.dags["CRMExport"].task_ids
    assert "Stream file broken.yaml" in loaded.dags["CRMExport_Reconcile"].get_task("broken.export_late_rows").message


def test_a_broken_check_is_one_failing_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in DEFAULT_FOLDER.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "sums.yaml").write_text("stream: nobody\ngroup_by: a\nsums: [b]\ntotal: 1\n")
    (tmp_path / "checks" / "typing.yaml").write_text("stream: campaigns\ngroup_by: a\nsums: [b]\ntotal: much\n")
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(tmp_path))
    loaded = load_dags()
    assert loaded.import_errors == {}
    dag = loaded.dags["CRMExport_Reconcile"]
    assert "sums.yaml: stream: nobody is not a usable stream" in dag.get_task("check_sums").message
    assert "Check file typing.yaml: total" in dag.get_task("check_typing").message
    assert dag.has_task("campaigns.export_late_rows")


def test_parsing_needs_no_database_no_network_and_no_variable() -> None:
    code = (
        "import socket, sys\n"
        "def reject(*_): raise AssertionError('parsing opened a connection')\n"
        "import airflow.sdk, crm_export.operators.export, crm_export.operators.gate\n"
        "from airflow.sdk import Variable\n"
        "Variable.get = reject\n"
        "socket.socket.connect = reject\n"
        "import runpy\n"
        f"runpy.run_path({str(ROOT / 'dags' / 'crm_export.py')!r})\n"
        f"runpy.run_path({str(ROOT / 'dags' / 'crm_export_export_error.py')!r})\n"
        f"runpy.run_path({str(ROOT / 'dags' / 'crm_export_reconcile.py')!r})\n"
        "print('parsed')\n"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    environment |= {
        "AIRFLOW_HOME": str(Path(sys.prefix) / "none"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////tmp/none.db",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("parsed"), done.stderr[-2000:]


def load_with(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: dict[str, object]) -> DagBag:
    """Load the DAGs of two unrelated streams with options added to their files."""
    for name in ("campaigns", "persons"):
        content = yaml.safe_load((DEFAULT_FOLDER / f"{name}.yaml").read_text()) | {"after": []}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content | options.get(name, {})))
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(folder))
    loaded = load_dags()
    assert loaded.import_errors == {}
    return loaded


def test_streams_of_a_group_run_in_a_dag_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_with(tmp_path, monkeypatch, persons={"group": "nightly", "schedule": "0 6 * * *"})
    assert set(loaded.dags) == {*DAG_IDS, "CRMExport_nightly"}
    nightly, rest = loaded.dags["CRMExport_nightly"], loaded.dags["CRMExport"]
    assert [set(dag.task_group.children) for dag in (nightly, rest)] == [
        {"prepare_schema", "persons", "send_alerts"},
        {"prepare_schema", "campaigns", "send_alerts"},
    ]
    assert [dag.timetable.expression for dag in (nightly, rest)] == ["0 6 * * *", "0 * * * *"]
    assert loaded.dags["CRMExport_ExportError"].has_task("persons"), "the daily jobs are for all streams"


def test_a_group_can_run_after_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "dbt://warehouse/marts"
    loaded = load_with(tmp_path, monkeypatch, persons={"group": "marts", "after_assets": [uri]})
    found = loaded.dags["CRMExport_marts"].timetable.asset_condition
    assert [asset.uri for asset in found.objects] == [uri]


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"persons": {"schedule": "@daily"}}, "schedule: requires a group"),
        ({"persons": {"after_assets": ["s3://x"]}}, "after_assets: requires a group"),
        ({"persons": {"group": "g", "schedule": "61 * * * *"}}, "schedule: must be five cron fields"),
        ({"persons": {"group": "g", "schedule": "@daily", "after_assets": ["s3://x"]}}, "keep one of them"),
        ({"persons": {"group": "Bad Name"}}, "group: 'Bad Name' is not allowed"),
        ({"persons": {"group": "g", "after_assets": ["marts"]}}, "write the URI of an Airflow asset"),
        ({"persons": {"group": "g", "after": ["campaigns"]}}, "campaigns is in no group and this stream in group g"),
        (
            {"campaigns": {"group": "g", "schedule": "@daily"}, "persons": {"group": "g", "schedule": "@weekly"}},
            "schedule: the streams of group g run together",
        ),
        (
            {"campaigns": {"group": "g", "schedule": "@daily"}, "persons": {"group": "g"}},
            "here none, in campaigns.yaml '@daily'",
        ),
    ],
)  # fmt: skip
def test_wrong_options_of_a_group_are_one_red_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, dict[str, object]], detail: str
) -> None:
    loaded = load_with(tmp_path, monkeypatch, **options)
    exports = (dag.task_dict.get("persons.export_changes") for dag in loaded.dags.values())
    [task] = [task for task in exports if task]
    assert detail in task.message
    assert any("campaigns.export_changes" in dag.task_dict for dag in loaded.dags.values())


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_worker_builds_only_the_tasks_of_its_stream(dags: DagBag, dag_id: str) -> None:
    for task_id in dags.dags[dag_id].task_ids:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)  # as the task runner does
            environment.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", task_id)
            found = load_dags().dags[dag_id]
        assert found.has_task(task_id)
        name = task_id.partition(".")[0]
        assert name not in STREAMS or {other.partition(".")[0] for other in found.task_ids} & set(STREAMS) == {name}


@pytest.mark.parametrize(
    ("asked", "allowed"), [("1", 1), (" 12 ", 12), ("", 8), ("0", 8), ("many", 8), ("-3", 8), ("²", 8)]
)
def test_as_many_runs_overlap_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, asked: str, allowed: int
) -> None:
    monkeypatch.setenv("CRM_EXPORT_ACTIVE_RUNS", asked)
    assert find_active_runs() == allowed


def test_tasks_use_the_pool_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {task.pool for task in load_dags().dags["CRMExport"].tasks} == {"default_pool"}
    monkeypatch.setenv("CRM_EXPORT_POOL", "crm_export")
    for dag in load_dags().dags.values():
        assert {task.pool for task in dag.tasks} == {"crm_export"}
