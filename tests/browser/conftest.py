"""A real browser, and the console in it. Where there is none, what needs it is skipped: `.ci/extra` installs one."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.support.http_client import HttpServer, serving, token

BROWSER = os.environ.get("LEDGER_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
Accessibility = Callable[[Any], list[tuple[str, str]]]

WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 390, "height": 844}


class Open:
    """Opens pages of the console, signed in; what a page complains about is kept."""

    def __init__(self, browser: Any, server: HttpServer, settings: Settings) -> None:
        self._browser = browser
        self.origin = server.url.removesuffix("/mcp")
        self.base = f"{self.origin}/l/{identity.find(settings.project).ledger}"
        self.secret, _ = token(settings, "wanda", "admin")
        self.complaints: list[str] = []
        self.contexts: list[Any] = []

    def sign_in(self, page: Any, secret: str) -> None:
        page.goto(f"{self.origin}/sign-in")
        page.fill("[name=token]", secret)
        page.click("main button")

    def __call__(self, path: str, **how: Any) -> Any:
        context = self._browser.new_context(**{"viewport": WIDE, "bypass_csp": False, **how})
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.sign_in(page, self.secret)
        page.goto(f"{self.base}/{path}")
        return page


@pytest.fixture(scope="module")  # no longer: while it runs, no other test of its thread can run a loop
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which .ci/extra installs")
    if BROWSER is None:
        pytest.skip("needs a Chromium, which .ci/extra installs")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def accessibility() -> Accessibility:
    """What a judge of accessibility objects to on a page: (rule, element) each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe, which .ci/extra installs")

    def faults(page: Any) -> list[tuple[str, str]]:
        found = axe.Axe().run(page).response["violations"]
        return [(fault["id"], fault["nodes"][0]["html"]) for fault in found]

    return faults


@pytest.fixture(scope="module")
def project(browser: Any, tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Settings:
    """Made where there is a browser only."""
    root = tmp_path_factory.mktemp("console")
    identity.create(root)
    return Settings(project=root, dsn=dsn, home=root / "home", pgdata=root / "unused", by="tester")


@pytest.fixture(scope="module")
def second(project: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Another project that the console serves."""
    root = tmp_path_factory.mktemp("second")
    identity.create(root)
    return replace(project, project=root)


@pytest.fixture(scope="module")
def console(project: Settings, second: Settings) -> Iterator[HttpServer]:
    with serving(project, project.project, "--rate", "1000", "--also", str(second.project)) as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere(project: Settings) -> Iterator[App]:
    """Another program that writes into the same ledger."""
    app = App(project)
    yield app
    app.close()


@pytest.fixture
def opened(browser: Any, console: HttpServer, project: Settings) -> Iterator[Open]:
    opened = Open(browser, console, project)
    yield opened
    for context in opened.contexts:
        context.close()
    assert opened.complaints == []


def create(app: App, **arguments: Any) -> dict[str, Any]:
    return OPERATIONS["create_work_item"].perform(app, {"item_type": "task", **arguments})
