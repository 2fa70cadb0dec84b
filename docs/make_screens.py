"""Writes docs/screens/*.webp, the pictures of the console and of the HTML report: `python docs/make_screens.py`.

They show the example project in a Chromium (LEDGER_TEST_BROWSER, or `chromium` on the PATH), light and dark. Needs
`pip install '.[browser]'`.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

SCREENS = Path(__file__).parent / "screens"
SIZE: Any = {"width": 1280, "height": 800}
QUALITY = 80


def main() -> None:
    SCREENS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        project, home = Path(folder) / "inventory-sync", Path(folder) / "home"
        os.environ |= {"LEDGER_HOME": str(home), "LEDGER_PGDATA": str(home / "postgres")}  # none of the user's
        command("demo", str(project))
        command("--project", str(project), "status", "--html", "--output", str(project / "status.html"))
        link = json.loads(command("--project", str(project), "--json", "open", "--print"))["link"]
        [item, *_] = json.loads(command("--project", str(project), "--json", "list", "merged cells"))["items"]
        origin = link.partition("/enter")[0]
        ledger = json.loads((project / ".ledger" / "ledger.json").read_bytes())["ledger"]
        console = f"{origin}/l/{ledger}"
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        first = browser.new_context()
        first.new_page().goto(link)
        pages = {
            "board": f"{console}/board",
            "item": f"{console}/item/{item['ref']}",
            "vendors": f"{console}/vendors",
            "report": (project / "status.html").as_uri(),
        }
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport=SIZE, color_scheme=scheme, timezone_id="UTC", storage_state=first.storage_state()
            )
            for name, address in pages.items():
                take(context, address, SCREENS / f"{name}-{scheme}.webp")
        browser.close()
        stop(project, home)


def take(context: Any, address: str, file: Path) -> None:
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(300)  # until times are written in the reader's zone
    shot = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    file.write_bytes(base64.b64decode(shot["data"]))
    print(f"{file.name}: {file.stat().st_size:,} bytes")
    page.close()


def stop(project: Path, home: Path) -> None:
    """Stops the console and the database that it used."""
    [announced] = home.rglob("console.json")
    console = psutil.Process(json.loads(announced.read_bytes())["process"])
    console.terminate()
    console.wait(30)
    command("--project", str(project), "doctor", "--stop-server")


def chromium() -> str:
    found = os.environ.get("LEDGER_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        sys.exit("there is no Chromium: install one, or name it in LEDGER_TEST_BROWSER")
    return found


def command(*words: str) -> str:
    program = [sys.executable, "-c", "from projections.cli.main import main; main()", *words]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
