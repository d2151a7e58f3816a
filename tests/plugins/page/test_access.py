"""Access: every route is tested with every role, and requests that another site could send are rejected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from crm_export.page.app import make_api
from crm_export.page.guards import HEADERS
from exporter import Exporter
from people import Person

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]
# every route with a valid request: method, declared path, requested path, body
ROUTES: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/session", "api/session", None),
    ("GET", "/api/settings", "api/settings", None),
    ("PUT", "/api/settings/{variable_key}", "api/settings/crm_export_batch_size", {"value": 100}),
    ("GET", "/api/acknowledgement", "api/acknowledgement", None),
    ("GET", "/api/streams", "api/streams", None),
    ("GET", "/api/history", "api/history", None),
    ("GET", "/api/audit", "api/audit", None),
    ("GET", "/api/findings", "api/findings", None),
    ("GET", "/api/causes", "api/causes", None),
    ("GET", "/api/errors", "api/errors", None),
    ("GET", "/api/errors.csv", "api/errors.csv", None),
    ("GET", "/api/errors/{error}", "api/errors/1", None),
    ("POST", "/api/errors/{error}/source-row", "api/errors/1/source-row", {}),
    ("POST", "/api/trials", "api/trials", {"error_id": 1}),
    ("GET", "/api/trials/{trial}", "api/trials/{trial}", None),
    (
        "POST",
        "/api/actions/preview",
        "api/actions/preview",
        {"kind": "set_aside", "selection": {"errors": [1]}},
    ),
    ("POST", "/api/actions", "api/actions", {"kind": "set_aside", "selection": {"errors": [1]}}),
    ("GET", "/api/actions/{action}", "api/actions/{action}", None),
    ("POST", "/api/dags/{dag_id}/runs", "api/dags/CRMExport/runs", {}),
    ("PUT", "/api/dags/{dag_id}", "api/dags/CRMExport_Reconcile", {"paused": False}),
    ("GET", "/api/headline", "api/headline", None),
    ("GET", "/api/alerts", "api/alerts", None),
    ("POST", "/api/alerts/read", "api/alerts/read", {"until": "2026-01-01T00:00:00Z"}),
    ("GET", "/api/streams/{stream}/resends", "api/streams/accounts/resends", None),
    ("POST", "/api/streams/{stream}/resends/preview", "api/streams/accounts/resends/preview", {}),
    ("POST", "/api/streams/{stream}/resends", "api/streams/accounts/resends", {}),
    ("POST", "/api/check", "api/check", {}),
    ("POST", "/api/streams/{stream}/plan", "api/streams/accounts/plan", {}),
]
FOR_VIEWERS = {"/api/headline"}  # counts only
WRITES = [route for route in ROUTES if route[0] != "GET"]


@pytest.fixture
def rejected(exporter: Exporter) -> Exporter:
    """Return an exporter whose stream is held at one rejected record."""
    exporter.add({"id": 1}, {"id": 2, "name": "bad"})
    exporter.run()
    exporter.gate()
    return exporter


def test_every_route_is_walked_here() -> None:
    found = {
        (method, route.path)
        for route in make_api().routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods
    }
    assert found == {(method, path) for method, path, *_ in ROUTES}


@pytest.mark.fault("H1")
def test_every_route_answers_401_and_403_below_an_operator(
    page: SEAT, rejected: Exporter, org: Exporter, dags: None
) -> None:
    nobody, viewer, user, op, admin = (page(role) for role in (None, "viewer", "user", "op", "admin"))
    ids = {"trial": "1", "action": "1"}
    for method, declared_path, path, body in ROUTES:
        asked = path.format(**ids)
        assert nobody.send(method, asked, body).status_code == 401, (method, declared_path)
        assert nobody.send(method, asked, body).json()["error"]["code"] == "not_signed_in"
        for person in (viewer, user) if declared_path not in FOR_VIEWERS else ():
            answer = person.send(method, asked, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), (method, declared_path)
        answer = op.send(method, asked, body)
        assert answer.status_code in {200, 202}, (method, declared_path, answer.text)
        if declared_path in {"/api/trials", "/api/actions"} and method == "POST":
            ids["trial" if "trials" in declared_path else "action"] = str(answer.json()["id"])
    assert all(admin.get(path).status_code == 200 for path in ("api/session", "api/errors"))
    assert rejected.errors()[0]["status"] == "set_aside"


def test_a_person_below_an_operator_has_changed_nothing(page: SEAT, rejected: Exporter) -> None:
    for role in (None, "viewer", "user"):
        for method, _, path, body in WRITES:
            assert page(role).send(method, path, body).status_code in {401, 403}
    assert rejected.errors()[0]["status"] == "open"
    assert page().get("api/audit").json()["entries"] == []


@pytest.mark.fault("H2")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"X-CRM-Export": "0"}, 403),
        ({"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": ""}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_what_another_site_could_send_is_rejected(
    op: Person, rejected: Exporter, headers: dict[str, str], status: int
) -> None:
    for method, _, path, body in WRITES:
        assert op.send(method, path, body, headers=headers).status_code == status, path
    assert rejected.errors()[0]["status"] == "open"
    assert op.get("api/audit").json()["entries"] == []


@pytest.mark.fault("H2")
def test_the_cookie_of_a_login_proves_nothing_across_sites(op: Person, page: SEAT) -> None:
    nobody = page(None)
    path, body = "api/settings/pause_on_export_errors", {"value": False, "acknowledgement": "agreed"}
    cookie = {"Cookie": f"_token={op.headers()['Authorization'].partition(' ')[2]}"}
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "", "Origin": "https://evil.example"}):
        assert nobody.send("PUT", path, body, headers=cookie | foreign).status_code == 403
    assert op.get("api/audit").json()["entries"] == []
    assert nobody.send("PUT", path, body, headers=cookie).status_code == 200


@pytest.mark.security("Origin")
@pytest.mark.parametrize(
    ("base_url", "origin", "host", "status"),
    [
        ("https://airflow.example", "https://airflow.example", "airflow.example", 200),
        ("https://airflow.example/prefix", "https://airflow.example", "internal:8080", 200),
        ("https://airflow.example", "http://airflow.example", "airflow.example", 403),  # another scheme
        ("https://airflow.example", "https://airflow.example:8443", "airflow.example:8443", 403),
        ("https://airflow.example", "https://evil.example", "evil.example", 403),  # DNS rebinding
        ("", "http://evil.example", "evil.example", 403),
        ("", "http://localhost:8080", "localhost:8080", 200),
        ("", "https://localhost:8080", "localhost:8080", 403),
        ("", "", "localhost:8080", 403),
    ],
)
def test_without_fetch_metadata_only_the_origin_of_airflow_itself_is_enough(
    op: Person, monkeypatch: pytest.MonkeyPatch, base_url: str, origin: str, host: str, status: int
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    sent = {"Sec-Fetch-Site": "", "Origin": origin, "Host": host}
    answer = op.send("PUT", "api/settings/crm_export_batch_size", {"value": 50}, headers=sent)
    assert answer.status_code == status


@pytest.mark.fault("H2")
def test_nothing_is_changed_by_a_get(op: Person) -> None:
    assert op.get("api/settings/pause_on_export_errors", value="false").status_code == 405
    assert op.get("api/actions", kind="retry").json()["error"]["code"] == "wrong_method"


@pytest.mark.security("M3")
@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("PUT", "api/settings/pause_on_export_errors", 32),
        ("POST", "api/actions", 16),
        ("POST", "api/trials", 1),
        ("POST", "api/errors/1/source-row", 1),
        ("PUT", "api/dags/CRMExport", 1),
    ],
)
def test_a_body_larger_than_its_route_takes_is_rejected(op: Person, method: str, path: str, limit: int) -> None:
    answer = op.send(method, path, {"more": "x" * limit * 1024})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert f"{limit} KB" in answer.json()["error"]["message"]
    assert op.send(method, path, {"more": "x" * (limit * 1024 - 100)}).json()["error"]["code"] == "invalid"


def test_every_answer_carries_the_headers_and_there_are_no_docs(page: SEAT, server: TestClient) -> None:
    op, nobody = page(), page(None)
    answers = [op.get("api/session"), nobody.get("api/session"), op.get("api/nowhere")]
    answers += [op.get(path) for path in ("docs", "redoc", "openapi.json")]
    for answer in answers:
        assert HEADERS.items() <= {name: answer.headers.get(name) for name in HEADERS}.items(), answer.url
    assert [answer.status_code for answer in answers[2:]] == [404] * 4
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_the_files_of_the_page_are_there_without_a_login_and_name_no_other_host(page: SEAT) -> None:
    nobody = page(None)
    shell = nobody.get("")
    assert (shell.status_code, shell.headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', shell.text)
    assert {"static/app.js", "static/app.css"} <= set(named)
    assert [name for name in named if name.startswith("/") or "//" in name] == []
    assert [nobody.get(name).status_code for name in named] == [200] * len(named)
    assert nobody.get("static/../app.py").status_code == 404
    assert nobody.get("static/%2e%2e/app.py").status_code == 404


def test_the_page_works_where_airflow_lives_under_a_path(op: Person, server: TestClient) -> None:
    below = TestClient(server.app, root_path="/airflow")
    assert below.get("/airflow/crm-export/api/session", headers=op.headers()).status_code == 200
    assert below.get("/airflow/crm-export/static/app.js").status_code == 200


def test_the_page_is_in_the_navigation_and_a_tab_of_the_dags(page: SEAT) -> None:
    listed = page("admin").client.get("/api/v2/plugins", headers=page("admin").headers()).json()["plugins"]
    [ours] = [plugin for plugin in listed if plugin["name"] == "crm_export"]
    views = {view["destination"]: view["href"] for view in ours["external_views"]}
    assert views == {"nav": "crm-export/", "dag": "crm-export/?dag={DAG_ID}"}
    assert {view["url_route"] for view in ours["external_views"]} == {"crm_export", "crm_export_dag"}
