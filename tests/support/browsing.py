"""Opens the CRM Export page in a browser and collects the browser's complaints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from local_stack.airflow_api import AirflowApi
from local_stack.pictures import log_in

PATIENCE = 30_000  # milliseconds; a busy machine may take that long to show something


@dataclass
class Visitor:
    """A person with a browser at one Airflow."""

    browser: Browser
    api: AirflowApi
    complaints: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str = "crm-export/", *, logged_in: bool = True, width: int = 1400, **how: Any) -> Page:
        """Open an address of Airflow in a new browser; errors and violations of its policy are complaints."""
        size = {"width": width, "height": 900}
        context = self.browser.new_context(viewport=size, **({"locale": "en-US"} | how))
        self._contexts.append(context)
        if logged_in:
            log_in(context, self.api)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.goto(f"{self.api.url}/{path}")
        return page

    def leave(self) -> None:
        """Close everything."""
        for context in self._contexts:
            context.close()

    def _hear(self, said: ConsoleMessage) -> None:
        if "Security Policy" in said.text:
            self.complaints.append(said.text)


def go(page: Page, view: str) -> None:
    """Go to a view of the page by its address."""
    page.goto(f"{page.url.partition('/crm-export/')[0]}/crm-export/{view}")


def look_with_axe(page: Page) -> list[str]:
    """Return the faults that axe finds in what a page shows."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {node['html'][:200]}" for fault in found for node in fault["nodes"]]
