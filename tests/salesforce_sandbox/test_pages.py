"""The page of the sandbox: what it shows, its switches, and that records cannot break it."""

from __future__ import annotations

import pytest
import requests
from lxml import html

from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "</td></table><iframe src=//evil.example>",
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
]


class Page:
    """The page as a browser sees it, whose script sends the forms as JSON."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str = "", status: int = 200) -> html.HtmlElement:
        answer = requests.get(f"{self.url}/sandbox/page{path}", timeout=10)
        assert answer.status_code == status, answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        return html.fromstring(answer.text)

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> requests.Response:
        token = self.get().xpath("//meta[@name='control-token']/@content")[0]
        headers = {"X-Sandbox-Token": token} | headers
        return requests.post(f"{self.url}/sandbox/page{path}", json=form or {}, headers=headers, timeout=10)


@pytest.fixture
def page(sandbox: Control, sandbox_server: RunningSandbox) -> Page:
    return Page(sandbox_server.http_url)


def test_a_browser_is_sent_to_the_page(page: Page) -> None:
    answer = requests.get(f"{page.url}/sandbox", headers={"Accept": "text/html,*/*"}, timeout=10)
    assert answer.url.endswith("/sandbox/page")
    assert html.fromstring(answer.text).findtext(".//h1") == "The org"


def test_records_are_paged_found_and_shown_with_their_history(page: Page, rest: Rest, sandbox: Control) -> None:
    sandbox.add_records("Account", [{"Name": f"n{n}", "Ext__c": f"K{n}"} for n in range(120)])
    rest.upsert([{"Ext__c": "K7", "Name": "renamed"}])
    first = page.get("/objects/Account")
    [following] = [link for link in first.findall(".//a") if (link.text or "").startswith("Next")]
    second = page.get(following.get("href").removeprefix("/sandbox/page"))
    ids = [[each.text for each in part.findall(".//tbody/tr/th/a")] for part in (first, second)]
    assert [len(part) for part in ids] == [50, 50]
    assert not set(ids[0]) & set(ids[1])
    found = page.get("/objects/Account?find=k7").findall(".//tbody/tr/th/a")
    assert len(found) == 1
    record = page.get(found[0].get("href").removeprefix("/sandbox/page"))
    text = record.text_content()
    assert "renamed" in text
    writes = record.findall(".//table")[1].findall(".//tbody/tr")
    assert [[cell.text_content() for cell in write.findall("td")][:3] for write in writes] == [
        ["import", "the control API", ""],
        ["update", "integration@tests.example", str(sandbox.requests()[-1]["n"])],
    ]


def test_rules_and_faults_are_switched(page: Page, rest: Rest, sandbox: Control) -> None:
    assert page.post("/rules/no_bad_names", {"active": "off"}).status_code == 200
    assert rest.upsert([{"Ext__c": "A", "Name": "bad"}])[0]["success"]
    page.post("/faults", {"kind": "503 with HTML", "path": "limits", "on_call": "2", "times": "1"})
    assert "limits" in page.get().text_content()
    assert [rest.call("GET", "limits").status_code for _ in range(3)] == [200, 503, 200]
    page.post("/faults/clear")
    assert "No fault is on." in page.get().text_content()
    page.post("/faults", {"kind": "connection cut before the commit", "call": "describe"})
    assert rest.call("GET", "limits").status_code == 200
    with pytest.raises(requests.ConnectionError):
        rest.call("GET", "sobjects/Account/describe")
    page.post("/maintenance", {"active": "on"})
    assert rest.call("GET", "limits").status_code == 503
    page.post("/maintenance", {"active": "off"})
    assert rest.call("GET", "limits").status_code == 200
    page.post("/sessions/expire")
    assert rest.call("GET", "limits").status_code == 401


@pytest.mark.parametrize(
    ("path", "form", "message"),
    [
        ("/faults", {"kind": "503 with HTML", "path": "("}, "is not a regular expression"),
        ("/faults", {"kind": "503 with HTML", "times": "many"}, "valid integer"),
        ("/faults", {"kind": "nothing"}, "'nothing' is not known"),
        ("/faults", {}, "'kind' is not known"),
        ("/rules/nothing", {"active": "on"}, "'nothing' is not known"),
    ],
)
def test_a_form_that_makes_no_sense_is_reported_and_changes_nothing(
    page: Page, sandbox: Control, path: str, form: dict[str, str], message: str
) -> None:
    answer = page.post(path, form)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert sandbox.faults() == []


def test_requests_are_listed_with_their_bodies(page: Page, rest: Rest) -> None:
    rest.upsert([{"Ext__c": "A", "Name": "in the body"}])
    newest = page.get("/requests").find(".//tbody/tr/th/a")
    assert "integration@tests.example" in page.get("/requests").text_content()
    assert "in the body" in page.get(newest.get("href").removeprefix("/sandbox/page")).text_content()
    assert page.get("/requests/999999", 404).findtext(".//h1") == "This request is no longer in the log."


def test_forms_of_other_sites_are_rejected(page: Page, sandbox: Control) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert page.post("/rules/no_bad_names", {"active": "off"}, **headers).status_code == 403
    assert sandbox.overview()["rules"]["no_bad_names"] is True


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_stay_text(page: Page, rest: Rest, sandbox: Control, text: str) -> None:
    [record] = sandbox.add_records("Account", [{"Name": text, "Ext__c": text, "Notes__c": text}])
    rest.upsert([{"Ext__c": "x", "Name": text}])
    for path in ("/objects/Account", f"/objects/Account/{record}", f"/objects/Account?find={text}", "/requests"):
        shown = page.get(path)
        assert not shown.xpath(
            "//script[not(@src='/sandbox/page/static/page.js')] | //img | //iframe | //*[@onerror or @onmouseover]"
        )
        assert not shown.xpath("//a[starts-with(@href, 'javascript')]")
    assert text in page.get(f"/objects/Account/{record}").text_content()


def test_results_of_a_job_are_shown(page: Page, rest: Rest) -> None:
    parts = {
        "job": (None, '{"object":"Account","operation":"insert","contentType":"CSV"}', "application/json"),
        "content": ("content", "Name\nbad\nfine\n", "text/csv"),
    }
    job = rest.session.post(f"{rest.url}/jobs/ingest", files=parts, timeout=10).json()["id"]
    while rest.call("GET", f"jobs/ingest/{job}").json()["state"] != "JobComplete":
        pass
    assert job in page.get().text_content()
    assert "This name is not welcome" in page.get(f"/jobs/{job}/failedResults").text_content()
    page.get(f"/jobs/{job}/nothing", 404)


def test_faults_of_jobs_are_switched_and_classic_jobs_are_listed(page: Page, rest: Rest, sandbox: Control) -> None:
    page.post("/faults", {"kind": "the next Bulk job fails"})
    assert "InternalServerError : the sandbox was asked to fail" in page.get().text_content()
    asked = {"object": "Account", "operation": "insert", "contentType": "JSON"}
    url = rest.url.replace("/services/data/v59.0", "/services/async/59.0/job")
    token = str(rest.session.headers["Authorization"]).removeprefix("Bearer ")
    classic = requests.post(url, json=asked, headers={"X-SFDC-Session": token}, timeout=10).json()["id"]
    assert classic in page.get().text_content()
    sandbox.set_bulk(batch_rows=1)
    parts = {
        "job": (None, '{"object":"Account","operation":"insert","contentType":"CSV"}', "application/json"),
        "content": ("content", "Name\none\ntwo\n", "text/csv"),
    }
    job = rest.session.post(f"{rest.url}/jobs/ingest", files=parts, timeout=10).json()["id"]
    while (message := rest.call("GET", f"jobs/ingest/{job}").json())["state"] not in {"JobComplete", "Failed"}:
        pass
    assert (message["state"], message["numberRecordsProcessed"]) == ("Failed", 1)
    page.post("/faults/clear")
    assert "No fault is on." in page.get().text_content()
