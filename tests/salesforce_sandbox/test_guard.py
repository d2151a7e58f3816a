"""Other web sites can neither control the sandbox nor make a browser run the answers of its faults."""

from __future__ import annotations

import http.server
import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from local_stack.pictures import open_browser
from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

pytestmark = pytest.mark.security("H2")
SCRIPT = "<html><body><script>document.title = 'ran ' + document.cookie</script>shown</body></html>"
FAULT = {
    "match": {"path_regex": "/services/data"},
    "times": 100,
    "answer": {"status": 200, "headers": {"content-type": "text/html", "Content-Security-Policy": "x"}, "body": SCRIPT},
}
ROUTES = [
    ("POST", "/reset"), ("POST", "/records"), ("GET", "/records/Account"), ("PATCH", "/records/Account/001"),
    ("DELETE", "/records/Account/001"), ("GET", "/history/Account/x"), ("GET", "/writes/Account"), ("GET", ""),
    ("POST", "/rules/no_bad_names"), ("PATCH", "/fields/Account/Name"), ("POST", "/picklists/Account/Kind__c"),
    ("GET", "/faults"), ("POST", "/faults"), ("DELETE", "/faults"), ("POST", "/job_faults"), ("DELETE", "/job_faults"),
    ("POST", "/bulk"), ("POST", "/maintenance"), ("POST", "/soap_login"), ("POST", "/sessions/expire"),
    ("POST", "/limits"), ("GET", "/requests"), ("POST", "/page/rules/no_bad_names"), ("POST", "/page/faults"),
    ("POST", "/page/faults/clear"), ("POST", "/page/sessions/expire"), ("POST", "/page/maintenance"),
    ("GET", "/nothing"),
]  # fmt: skip


def _call(control: Control, method: str, path: str, **headers: str) -> requests.Response:
    known = {"X-Sandbox-Token": control.token, "Content-Type": "application/json"} | headers
    sent = {name: value for name, value in known.items() if value}
    return requests.request(method, f"{control.url}/sandbox{path}", data="{}", headers=sent, timeout=10)


def test_a_cross_site_post_of_plain_text_is_rejected(sandbox: Control) -> None:
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    answer = requests.post(f"{sandbox.url}/sandbox/faults", data=json.dumps(FAULT), headers=headers, timeout=10)
    assert answer.status_code == 403
    assert sandbox.faults() == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "wrong",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"}, {"Host": "["}, {"X-Sandbox-Token": ""}, {"X-Sandbox-Token": "guessed"},
    ],
    ids=str,
)  # fmt: skip
def test_every_control_route_rejects_strangers(sandbox: Control, method: str, path: str, wrong: dict[str, str]) -> None:
    answer = _call(sandbox, method, path, **wrong)
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"]


@pytest.mark.parametrize(("method", "path"), [each for each in ROUTES if each[0] not in {"GET", "DELETE"}])
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""]
)
def test_every_control_route_takes_json_only(sandbox: Control, method: str, path: str, kind: str) -> None:
    answer = _call(sandbox, method, path, **{"Content-Type": kind})
    assert answer.status_code == 403
    assert "Content-Type application/json" in answer.json()["error"]


def test_a_broken_body_is_an_error_of_the_caller(sandbox: Control) -> None:
    headers = {"X-Sandbox-Token": sandbox.token, "Content-Type": "application/json"}
    answer = requests.post(f"{sandbox.url}/sandbox/faults", data="{", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["error"][:20]) == (400, "The body is not JSON")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_the_names_of_this_machine_are_allowed(sandbox: Control, name: str) -> None:
    assert _call(sandbox, "GET", "/faults", Host=f"{name}:8080").status_code == 200


@pytest.mark.parametrize("path", ["/page", "/page/requests", "/page/objects/Account", "/page/static/page.js"])
def test_no_other_host_reads_the_page_and_its_token(sandbox: Control, path: str) -> None:
    assert _call(sandbox, "GET", path, Host="evil.example").status_code == 403
    assert sandbox.token not in _call(sandbox, "GET", path, **{"Sec-Fetch-Site": "cross-site"}).text


@pytest.fixture
def browser_page() -> Iterator[Page]:
    with open_browser() as browser:
        yield browser.new_page()


@pytest.fixture
def evil_site(sandbox: Control) -> Iterator[str]:
    """Serve a page on another local port that tries to switch on a fault, by fetch and by form."""
    target = f"{sandbox.url}/sandbox/faults"
    page = (
        f"<form id=f method=post enctype=text/plain action='{target}'>"
        '<input name=\'{"times": 1, "ignored": "\' value=\'"}\'></form>'
        f"<script>fetch('{target}', {{method: 'POST', mode: 'no-cors', body: '{{}}'}})"
        ".finally(() => document.querySelector('#f').submit())</script>"
    ).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def test_a_visit_to_another_site_changes_nothing(sandbox: Control, evil_site: str, browser_page: Page) -> None:
    with browser_page.expect_navigation(url="**/sandbox/faults"):
        browser_page.goto(evil_site)
    assert "another site" in browser_page.content()
    assert sandbox.faults() == []


def test_html_of_a_fault_runs_no_script_and_reads_no_cookie(sandbox: Control, browser_page: Page) -> None:
    sandbox.add_fault(**FAULT)
    browser_page.context.add_cookies([{"name": "_token", "value": "secret", "url": "http://127.0.0.1"}])
    browser_page.goto(f"{sandbox.url}/services/data/v59.0/limits")
    assert browser_page.inner_text("body") == "shown"
    assert browser_page.title() == ""


def test_the_page_switches_what_its_owner_clicks(sandbox: Control, browser_page: Page) -> None:
    browser_page.goto(f"{sandbox.url}/sandbox/page")
    browser_page.get_by_role("button", name="Switch off no_bad_names").click()
    browser_page.get_by_role("button", name="Switch on no_bad_names").wait_for()
    assert sandbox.overview()["rules"]["no_bad_names"] is False
    browser_page.get_by_label("Path contains").fill("(")
    browser_page.get_by_role("button", name="Switch on", exact=True).click()
    browser_page.get_by_role("alert").get_by_text("is not a regular expression").wait_for()
    assert sandbox.faults() == []


@pytest.mark.parametrize(
    "path", ["/services/data", "/services/oauth2/userinfo", "/id/x/y", "/nothing", "/services/Soap/u/59.0"]
)
def test_every_answer_of_salesforces_paths_is_inert_in_a_browser(rest: Rest, path: str) -> None:
    answer = requests.get(rest.url.replace("/services/data/v59.0", path), timeout=10)
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_answer_of_a_fault_cannot_take_the_policy_away(rest: Rest, sandbox: Control) -> None:
    sandbox.add_fault(**FAULT)
    answer = rest.call("GET", "limits")
    assert answer.text == SCRIPT
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_files_are_for_their_owner_only(rest: Rest, sandbox_server: RunningSandbox) -> None:
    rest.call("POST", "jobs/ingest", {"object": "Account", "operation": "insert"})
    folder = sandbox_server.ready_file.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert {"ready.json", "org.sqlite", "sandbox.log", "ca.crt"} <= {path.name for path in modes}
    assert {path: mode for path, mode in modes.items() if mode & 0o077} == {}


def test_a_folder_of_everybody_is_rejected(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    org = tmp_path / "org.yaml"
    org.write_text("objects: {}")
    done = subprocess.run(
        [sys.executable, "-m", "salesforce_sandbox", "--org", str(org), "--data", str(shared)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().endswith("--data needs a folder of its own.")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
