"""The CRM Export page in a real browser, on a stack with held streams: what it shows, and to whom."""

from __future__ import annotations

import random
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect

from browsing import Visitor, go, look_with_axe
from include.export.reports import summarise_streams
from local_stack.settings_file import read_connections
from local_stack.stack import SETTINGS, Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
HELD = "Not everything is in Salesforce"
HOSTILE_STRINGS = 1000
VIEWS = ("overview", "streams/buyer_touchpoints", "errors", "errors/records", "activity", "history")


@pytest.fixture(scope="module", autouse=True)
def quiet(held_and_quiet: None) -> None:
    """Let the tests see a stable state."""


def stay_on(stack: Stack) -> bool:
    return stack.api.variables()["pause_on_export_errors"] in {"true", "on"}


def test_the_answer_is_on_top_and_each_hold_says_why_and_what_to_do(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open()
    expect(page.get_by_role("region", name="Is everything in Salesforce?")).to_contain_text(HELD)
    hold = page.get_by_role("article").filter(has_text="CMP_000025")
    expect(hold).to_contain_text("bad value for restricted picklist field: Unknown")
    expect(hold).to_contain_text("Ask your Salesforce admin to add the value to the picklist")
    with stack.connect() as connection:
        names = [row[0] for row in connection.execute("select stream from crm_export.ExportWatermarks")]
        held = [line.stream for line in summarise_streams(names, connection=connection) if line.held_key]
    expect(page.get_by_role("article")).to_have_count(len(held))
    for stream in names:
        expect(page.get_by_role("table").get_by_role("rowheader", name=stream).first).to_be_visible()


def test_the_page_is_inside_airflow_and_its_links_lead_out_of_the_frame(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open("dags/CRMExport/plugin/crm_export_dag")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="CMP_000025").first.click()
    expect(frame.get_by_role("heading", name="CMP_000025")).to_be_focused()
    frame.get_by_role("link", name="Task log").first.click()
    page.wait_for_url("**/dags/CRMExport/runs/**/tasks/campaigns.export_changes**")


def test_the_keyboard_leads_through_the_acknowledgement_and_close_leaves_it_on(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open()
    switch = page.get_by_role("switch", name="Pause on Export Errors")
    expect(switch).to_be_checked()
    switch.focus()
    page.keyboard.press("Space")
    dialog = page.get_by_role("dialog", name="Data inconsistency acknowledgement")
    expect(dialog).to_contain_text("campaigns is paused at CMP_000025")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Ok")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(switch).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(switch).to_be_checked()
    assert stay_on(stack)


def test_no_view_has_a_fault_that_axe_finds(visitor: Visitor) -> None:
    found = {}
    for scheme in ("light", "dark"):
        page = visitor.open(color_scheme=scheme)
        for view in VIEWS if scheme == "light" else VIEWS[::3]:
            go(page, view)
            page.locator("main h2, main table, main .filters").first.wait_for()
            found[scheme, view] = look_with_axe(page)
        go(page, "overview")
        page.get_by_role("switch").click()
        page.get_by_role("dialog").get_by_text("rejected now").wait_for()
        found[scheme, "dialog"] = look_with_axe(page)
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_it_is_dark_where_airflow_is_and_needs_no_sideways_scrolling_on_a_phone(visitor: Visitor) -> None:
    page = visitor.open(color_scheme="dark", width=380)
    page.get_by_text(HELD).wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    for view in VIEWS:
        go(page, view)
        page.locator("main h2, main table, main .filters").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 380, view


def test_it_speaks_brazilian_portuguese(visitor: Visitor) -> None:
    page = visitor.open(locale="pt-BR")
    expect(page.get_by_role("switch", name="Pausar em erros de exportação")).to_be_checked()
    expect(page.get_by_role("region", name="Está tudo no Salesforce?")).to_contain_text("Nem tudo está no Salesforce")
    expect(page.locator("html")).to_have_attribute("lang", "pt-BR")
    expect(page.get_by_role("article").filter(has_text="CMP_000025")).to_contain_text("Peça ao admin")


def test_a_signed_out_user_is_informed_and_led_to_the_login(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open(logged_in=False)
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    again = page.get_by_role("link", name="Sign in again")
    expect(again).to_have_attribute("target", "_top")
    again.click()
    page.wait_for_url("**/auth/login**")
    # and when a session ends while the page is open
    page = visitor.open()
    page.get_by_text(HELD).wait_for()
    page.context.clear_cookies()
    page.get_by_role("button", name="Retry now: CMP_000025").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_with_the_database_down_the_page_says_so_and_disables_what_cannot_work(stack: Stack, visitor: Visitor) -> None:
    connections = read_connections(SETTINGS, stack.ports, stack.credentials.exporter)
    connection = next(one for one in connections if one["connection_id"] == "postgres_default")
    page = visitor.open()
    page.get_by_text(HELD).wait_for()
    stack.api.ensure_connection(connection | {"port": 1})
    try:
        page.reload()
        expect(page.get_by_text("It is not known whether everything is in Salesforce")).to_be_visible()
        expect(page.get_by_text("The export database does not answer. Nothing can be changed")).to_be_visible()
        expect(page.get_by_role("switch")).to_be_disabled()
        assert "Traceback" not in page.content()
    finally:
        stack.api.ensure_connection(connection)
    page.get_by_role("button", name="Retry", exact=True).first.click()
    expect(page.get_by_text(HELD)).to_be_visible()
    expect(page.get_by_role("switch")).to_be_enabled()


def hostile_strings() -> list[str]:
    """Return texts that people have put into names to run code, close tags, fool templates, or hide."""
    tried = (Path(__file__).parent / "hostile_strings.txt").read_text().splitlines()
    chance = random.Random(4)
    mixed = [f"{chance.choice(tried)}{chance.choice(tried)}" for _ in range(HOSTILE_STRINGS)]
    return [f"{number} {text}" for number, text in enumerate((tried + mixed)[:HOSTILE_STRINGS])]


def plant(connection: psycopg.Connection, texts: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into crm_export.ExportErrors (stream, object, record_key, external_id, operation, error_code,"
            " error_name, error_class, error_message, error_fields, dag_id, run_id)"
            " values (%(t)s, %(t)s, %(t)s, %(t)s, 'upsert', %(t)s, %(t)s, 'data', %(t)s, array[%(t)s], 'hostile',"
            " %(t)s)",
            [{"t": text} for text in texts],
        )


# elements that the page itself never creates
FOREIGN = (
    "script, style, iframe, object, embed, img, video, audio, base, meta, link, template, marquee, math, b, x-foo,"
    " svg:not(.icon), [onerror], [onload], [onclick], [onfocus], [ontoggle], [srcdoc]"
)


def count_foreign(page: Page) -> int:
    return page.locator(FOREIGN).count()


@pytest.mark.fault("H3")
def test_a_thousand_hostile_strings_stay_text(stack: Stack, visitor: Visitor) -> None:
    texts = hostile_strings()
    assert len(set(texts)) == HOSTILE_STRINGS
    page = visitor.open("crm-export/errors/records")
    page.get_by_role("table").wait_for()
    before = count_foreign(page)
    with stack.connect() as connection:
        plant(connection, texts)
        try:
            _look_everywhere(page, texts, before)
        finally:
            connection.execute("delete from crm_export.ExportErrors where dag_id = 'hostile'")
    assert page.evaluate("window.hit") is None


def _look_everywhere(page: Page, texts: list[str], before: int) -> None:
    page.reload()
    more = page.get_by_role("button", name="Show more")
    rows = page.locator("tbody tr")
    more.wait_for()
    shown = 0
    while shown < HOSTILE_STRINGS and more.is_visible():
        shown = rows.count()
        more.click()
        expect(rows).not_to_have_count(shown)
    keys = page.locator("tbody th a").all_text_contents()
    assert set(texts) <= set(keys)
    assert count_foreign(page) == before
    go(page, "errors")
    page.locator(".cause").first.wait_for()
    assert count_foreign(page) <= before
    for text in (texts[0], texts[7], texts[-1]):
        go(page, f"errors/records?search={text[:4]}")
        page.get_by_role("link", name=text, exact=True).first.click()
        expect(page.locator("blockquote")).to_have_text(text)
        assert count_foreign(page) == before


def test_the_policy_of_the_page_stops_what_is_not_its_own(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_text(HELD).wait_for()
    with page.expect_console_message(lambda said: "Security Policy" in said.text):
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.hit=1>')")
    assert page.evaluate("window.hit") is None
    assert len(visitor.complaints) == 1
    visitor.complaints.clear()


@pytest.mark.ux(19)
def test_reload_back_and_deep_links_keep_the_place_inside_airflow(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open("plugin/crm_export")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Errors").first.click()
    page.wait_for_url("**/plugin/crm_export/crm-export/errors")
    frame.get_by_role("link", name="Records", exact=True).click()
    page.wait_for_url("**/crm-export/errors/records")
    frame.locator("tbody th a").first.click()
    page.wait_for_url("**/crm-export/errors/*")
    title = frame.locator("h2").first.text_content() or ""
    page.reload()
    expect(frame.locator("h2").first).to_have_text(title)
    page.go_back()
    page.wait_for_url("**/crm-export/errors/records")
    expect(frame.locator("tbody tr").first).to_be_visible()
    page.go_back()
    page.wait_for_url("**/plugin/crm_export/crm-export/errors")
    expect(frame.locator(".cause").first).to_be_visible()
    page.goto(f"{stack.api.url}/plugin/crm_export/crm-export/streams/campaigns")
    expect(frame.get_by_role("heading", name="campaigns").first).to_be_visible()
    expect(page.get_by_role("link", name="Dags")).to_be_visible()  # Airflow's own navigation


@pytest.mark.ux(19)
def test_in_a_tab_of_a_dag_the_place_survives_a_reload(visitor: Visitor) -> None:
    page = visitor.open("dags/CRMExport/plugin/crm_export_dag")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="CMP_000025").first.click()
    page.wait_for_url("**/plugin/crm_export_dag#errors/*")
    page.reload()
    expect(frame.get_by_role("heading", name="CMP_000025")).to_be_visible()


@pytest.mark.ux(12)
def test_the_language_is_the_one_chosen_in_airflow(visitor: Visitor) -> None:
    page = visitor.open("plugin/crm_export")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("link", name="Errors").first).to_be_visible()
    page.evaluate("localStorage.setItem('i18nextLng', 'pt')")  # as Airflow's menu of languages does
    expect(frame.get_by_role("link", name="Erros").first).to_be_visible()
    page.evaluate("localStorage.setItem('i18nextLng', 'de')")  # a language that the page does not have
    expect(frame.get_by_role("link", name="Errors").first).to_be_visible()


@pytest.mark.ux(5, 7)
def test_a_paused_dag_and_findings_have_their_cards(stack: Stack, visitor: Visitor) -> None:
    with stack.connect() as connection:
        connection.execute(
            "insert into crm_export.ExportFindings (stream, kind, subject, told)"
            " values ('campaigns', 'no_source_row', 'CMP_999999', 'In Salesforce only.')"
        )
    try:
        page = visitor.open()
        paused = page.get_by_role("status").filter(has_text="is paused in Airflow")
        expect(paused.get_by_role("link", name="CRMExport", exact=True)).to_be_visible()
        expect(paused.get_by_role("button", name="Unpause: CRMExport", exact=True)).to_be_enabled()
        expect(page.get_by_role("region", name="Is everything in Salesforce?")).to_contain_text(
            "found by the daily check"
        )
        page.get_by_text("record without a source row").click()
        expect(page.get_by_text("In Salesforce only.")).to_be_visible()
        assert look_with_axe(page) == []
    finally:
        with stack.connect() as connection:
            connection.execute("delete from crm_export.ExportFindings where subject = 'CMP_999999'")
