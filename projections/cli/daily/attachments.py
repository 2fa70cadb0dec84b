"""The command `attach`: say what belongs to an entity and stays where it is."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from projections.cli.terminal import exits
from projections.cli.terminal.invocation import Command, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, say, shown
from projections.operations.catalog import OPERATIONS


@click.command(cls=Command)
@click.argument("ref")
@click.argument("where", metavar="URL|FILE")
@click.option("--kind", type=click.Choice(["pull_request", "commit", "document", "file"]), help="What it is.")
@click.option("--name", help="What people call it; a file's own name if left out.")
@click.option("--remove", is_flag=True, help="Take the attachment away.")
@pass_invocation
def attach(invocation: Invocation, ref: str, where: str, kind: str | None, name: str | None, remove: bool) -> int:
    """Attach a pull request, commit, document or FILE to REF, as in: attach w-7k3qd docs/plan.pdf.

    A file's size and SHA-256 are kept, its bytes stay where they are. `show REF` lists what is attached.
    """
    file = Path(where)
    arguments = {"id": ref, **(_file(invocation.settings.project, file) if file.is_file() else {"url": where})}
    if remove:
        arguments = {"id": ref, "url": arguments["url"], "remove": True}
    arguments |= {key: value for key, value in (("kind", kind), ("name", name)) if value is not None}
    answered = OPERATIONS["attach"].perform(invocation.app, arguments)
    if invocation.as_json:
        answer_json(answered)
    else:
        say(f"{answered['ref']}  {'without ' if remove else ''}{shown(arguments['url'])}")
    return exits.of_answer(answered)


def _file(project: Path, file: Path) -> dict[str, Any]:
    """A file in the project by its path there, another one by its whole path; with its size and digest."""
    whole = file.resolve()
    inside = whole.is_relative_to(project.resolve())
    url = quote(whole.relative_to(project.resolve()).as_posix()) if inside else whole.as_uri()
    with whole.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"url": url, "kind": "file", "name": file.name, "size": whole.stat().st_size, "sha256": digest}
