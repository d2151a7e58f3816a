"""Operating the export from the page, in a real browser: the bell, resends, checks and plans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from browsing import Visitor, go, look_with_axe
from include.export.ledger import ExportAlerts
from local_stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
STREAM = "campaigns"  # held at its last record
VARIANTS = [  # each pair of two of them occurs
    ("light", "en-US", 390), ("light", "pt-BR", 1440), ("dark", "en-US", 1440), ("dark", "pt-BR", 390),
]  # fmt: skip
WORDS = {
    "en-US": {"alerts": "Alerts", "send": "Send again …", "check": "Check", "plan": "Plan", "all": "Check all"},
    "pt-BR": {"alerts": "Alertas", "send": "Reenviar …", "check": "Verificar", "plan": "Planejar",
              "all": "Verificar todos"},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quiet(held_and_quiet: None) -> None:
    """Let the tests see what the first run held, and its alerts."""


@pytest.fixture(autouse=True)
def unread(stack: Stack) -> None:
    with stack.connect() as connection:
        connection.execute("update crm_export.ExportAlerts set read_at = null, read_by = null")


def open_bell(page: Page, label: str = "Alerts") -> Locator:
    page.get_by_role("button", name=f"{label}:").click()
    return page.get_by_role("dialog", name=label)


def test_the_bell_counts_what_is_unread_and_leads_to_the_record(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open()
    with stack.connect() as connection:
        counts = ExportAlerts(connection).count()
    assert counts.unread > 1
    bell = page.get_by_role("button", name=f"Alerts: {counts.unread} unread")
    expect(bell).to_be_visible()
    bell.click()
    alert = page.get_by_role("dialog", name="Alerts").get_by_role("article", name=f"stream paused {STREAM}")
    expect(alert).to_contain_text("campaigns is paused at key=CMP_000025 since")
    expect(alert).to_contain_text("Error occurred during Crm Export: RESTRICT_PICKLIST_VALUES_ENABLED")
    expect(alert).to_contain_text("Ask your Salesforce admin to add the value to the picklist")
    alert.get_by_role("link", name="View the record").click()
    expect(page.get_by_role("heading", name="CMP_000025")).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_one_and_all_are_marked_as_read_and_stay_open(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open()
    panel = open_bell(page)
    alert = panel.get_by_role("article", name=f"stream paused {STREAM}")
    alert.get_by_role("button", name="Mark as read").click()
    expect(alert).to_contain_text("read by admin")
    expect(alert.get_by_role("button", name="Mark as read")).to_have_count(0)
    panel.get_by_role("button", name="Mark all as read").click()
    expect(panel.get_by_role("button", name="Mark all as read")).to_have_count(0)
    expect(alert).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Alerts: 0 unread")).to_be_focused()
    with stack.connect() as connection:
        counts = ExportAlerts(connection).count()
    assert (counts.unread, counts.open > 0) == (0, True)


def test_all_alerts_have_a_view_with_those_that_are_over(stack: Stack, visitor: Visitor) -> None:
    with stack.connect() as connection:
        alerts = ExportAlerts(connection)
        alerts.raise_alert("quota:story", "quota", severity="warning", subject="story", message="spent")
        alerts.clear("quota:story")
    page = visitor.open()
    open_bell(page).get_by_role("link", name="View all").click()
    page.wait_for_url("**/crm-export/alerts")
    expect(page.get_by_role("article", name=f"stream paused {STREAM}")).to_be_visible()
    over = page.get_by_role("article", name="API calls spent")
    expect(over).to_have_count(0)
    page.get_by_role("link", name="All", exact=True).click()
    expect(over.first).to_contain_text("API calls are available again.")


@pytest.fixture
def unpaused(stack: Stack) -> Iterator[None]:
    """Let CRMExport run, which is paused for the other tests."""
    stack.api.unpause("CRMExport")
    yield
    stack.api.unpause("CRMExport", paused=True)


@pytest.mark.usefixtures("unpaused")
def test_a_stream_is_sent_again_with_a_preview_and_its_progress(stack: Stack, visitor: Visitor) -> None:
    stream = find_free_stream(stack)
    page = visitor.open(f"crm-export/streams/{stream}")
    panel = page.get_by_role("region", name="Send again")
    panel.get_by_role("button", name="Send again …").click()
    dialog = page.get_by_role("dialog", name=f"Send again: {stream}")
    expect(dialog.get_by_text("rows are sent again")).to_be_visible()
    expect(dialog).to_contain_text("API call")
    expect(dialog).to_contain_text("Starts a run of CRMExport")
    dialog.get_by_role("radio", name="Records").check()
    dialog.get_by_label("Keys, one per line").fill("nonsense")
    expect(dialog).to_contain_text("No exported row has this key: nonsense")
    expect(dialog.get_by_role("button", name="Send again")).to_be_disabled()
    dialog.get_by_role("radio", name="Whole stream").check()
    expect(dialog.get_by_text("rows are sent again")).to_be_visible()
    dialog.get_by_label("Reason (optional)").fill("a story")
    dialog.get_by_role("button", name="Send again").click()
    expect(dialog).to_contain_text("Requested.")
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    expect(dialog.get_by_text("done", exact=True)).to_be_visible(timeout=240_000)
    dialog.get_by_role("button", name="Close").click()
    expect(panel).to_contain_text("requested by admin")
    with stack.connect() as connection:
        resend = connection.execute(
            "select rows_sent, rows_total, reason, finished_at is not null from crm_export.ExportResends"
            " where stream = %s order by id desc limit 1",
            [stream],
        ).fetchone()
    assert resend is not None
    assert (resend[0], resend[2], resend[3]) == (resend[1], "a story", True)
    assert resend[1] > 0
    go(page, "history")
    expect(page.get_by_text(f"requested a resend: {stream}").first).to_be_visible()


def find_free_stream(stack: Stack) -> str:
    """Return a stream that is not held and has exported something."""
    with stack.connect() as connection:
        row = connection.execute(
            "select stream from crm_export.ExportWatermarks where stopped_at_error_id is null and cursor_at is not null"
            " order by stream limit 1"
        ).fetchone()
    assert row is not None, "every stream is held"
    return str(row[0])


@pytest.mark.ux(27)
def test_a_check_of_all_says_what_to_do_without_sending(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("link", name="Check without sending …").click()
    page.get_by_role("button", name="Check all").click()
    expect(page.get_by_role("region", name="alerts.yaml")).to_contain_text("No channel is configured", timeout=120_000)
    expect(page.get_by_role("region", name="postgres_default")).to_be_visible()
    expect(page.get_by_role("region", name=STREAM, exact=True)).to_be_visible()
    assert look_with_axe(page) == []


def test_a_stream_is_checked_and_planned_on_its_page(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open(f"crm-export/streams/{STREAM}")
    panel = page.get_by_role("region", name="Check without sending")
    panel.get_by_role("button", name="Check").click()
    expect(panel.get_by_role("region", name=STREAM)).to_be_visible(timeout=120_000)
    panel.get_by_role("button", name="Plan").click()
    expect(panel).to_contain_text("The stream is paused at CMP_000025", timeout=120_000)
    expect(panel).to_contain_text("Nothing was sent.")
    expect(panel.get_by_role("table")).to_contain_text('"attributes":{"type":"Campaign"}')
    go(page, "history")
    expect(page.get_by_text(f"viewed the planned rows of {STREAM}").first).to_be_visible()


@pytest.mark.parametrize(("theme", "locale", "width"), VARIANTS)
def test_every_new_view_fits_and_has_no_fault_that_axe_finds(
    stack: Stack, visitor: Visitor, theme: str, locale: str, width: int
) -> None:
    words = WORDS[locale]
    page = visitor.open(color_scheme=theme, locale=locale, width=width)
    open_bell(page, words["alerts"]).get_by_role("article").first.wait_for()
    judge(page, width, "bell")
    for view in ("alerts", "alerts/all"):
        go(page, view)
        page.get_by_role("article").first.wait_for()
        judge(page, width, view)
    go(page, "check")
    page.get_by_role("button", name=words["all"], exact=True).click()
    page.get_by_role("region", name="postgres_default").wait_for(timeout=120_000)
    judge(page, width, "check")
    go(page, f"streams/{STREAM}")
    page.get_by_role("button", name=words["plan"], exact=True).click()
    page.get_by_role("table").wait_for(timeout=120_000)
    judge(page, width, "plan")
    page.get_by_role("button", name=words["send"]).click()
    page.get_by_role("dialog").locator("ul.terms").wait_for()
    judge(page, width, "resend")


def judge(page: Page, width: int, view: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, view
    assert look_with_axe(page) == [], view
