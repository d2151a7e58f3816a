"""The pictures of the README, taken from the running stack with a headless Chromium."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from local_stack.airflow_api import AirflowApi
from local_stack.place import ROOT
from local_stack.ports import StackError

PICTURES = ROOT / "docs" / "pictures"
PAGE_VIEWS = {"overview": 1100, "errors": 900}  # the heights of their pictures
# as root Chromium needs --no-sandbox; the other flags keep it from contacting its vendor
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--no-first-run")  # fmt: skip


def find_chromium() -> str | None:
    """Return the path of a Chromium: that of CHROMIUM, one on the PATH, or None (Playwright then uses its own).

    One without a user interface is preferred: a new page costs it less than half the time.
    """
    names = (os.environ.get("CHROMIUM", ""), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@contextlib.contextmanager
def open_browser() -> Generator[Browser, None, None]:
    """Open a headless Chromium; raises StackError when there is none."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        except Error as failed:
            raise StackError("No Chromium was found. Install one, or name it: CHROMIUM=/path/to/chromium") from failed
        with contextlib.closing(browser):
            yield browser


def open_page(browser: Browser, api: AirflowApi, *, dark: bool = False, width: int = 1400, height: int = 900) -> Page:
    """Open a page that is logged in to an Airflow."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-US"
    )
    log_in(context, api)
    return context.new_page()


def log_in(context: BrowserContext, api: AirflowApi) -> None:
    """Give a browser's context the session of the administrator of an Airflow."""
    context.add_cookies([{"name": "_token", "value": api.new_token(), "url": api.url}])


def take_pictures(api: AirflowApi, folder: Path = PICTURES) -> list[Path]:
    """Take every picture of the README from a running Airflow and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    run = api.runs("CRMExport")[0]["dag_run_id"]
    with open_browser() as browser:
        page = open_page(browser, api, height=620)
        page.goto(f"{api.url}/dags/CRMExport/runs/{quote(run)}")
        _draw_graph(page)
        page.screenshot(path=folder / "dag.png", clip={"x": 76, "y": 100, "width": 1310, "height": 470})
    return [folder / "dag.png", *_take_page(api, folder)]


def _take_page(api: AirflowApi, folder: Path) -> list[Path]:
    """Take the CRM Export page, light and dark; a picture for each of its views that the README shows."""
    files = []
    with open_browser() as browser:
        for theme, (view, height) in itertools.product(("light", "dark"), PAGE_VIEWS.items()):
            page = open_page(browser, api, dark=theme == "dark", height=height)
            page.goto(f"{api.url}/crm-export/#/{view}")
            page.locator("main table, main .card").first.wait_for()
            page.wait_for_timeout(1000)  # the charts are drawn
            files.append(folder / f"page-{view}-{theme}.png")
            page.screenshot(path=files[-1])
    return files


def _draw_graph(page: Page) -> None:
    page.get_by_role("button", name="Show Graph").click()
    page.get_by_role("button", name="Expand all task groups").click()
    page.get_by_text("pause_on_export_errors").first.wait_for()
    page.get_by_role("button", name="Collapse Details Panel").click()
    page.get_by_role("button", name="Fit View").click()
    page.wait_for_timeout(2000)  # until the graph has settled
