"""Writes docs/report.svg, the README's picture: `python docs/make_picture.py` draws the example project's report."""

import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command("demo", folder)
        report = command("--project", folder, "status")
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=110, file=nowhere)
        console.print(Markdown(report))
    console.save_svg(str(Path(__file__).parent / "report.svg"), title="tracking-ledger status")


def command(*words: str) -> str:
    program = [sys.executable, "-c", "from projections.cli.main import main; main()", *words]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
