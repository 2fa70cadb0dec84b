"""The command `attach`: say what belongs to an entity and stays where it is."""

import hashlib
import shlex
from os.path import isfile
from pathlib import Path
from urllib.parse import quote

import click

from ledger.annotation.state import ATTACHMENT_KINDS
from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, say
from projections.operations.catalog import OPERATIONS
from projections.operations.work.attachments import ELSEWHERE, HASH
from projections.questions.answers import Answered


@click.command(cls=CliCommand)
@click.argument("ref")
@click.argument("where", metavar="URL|COMMIT|FILE")
@click.option("--kind", type=click.Choice(ATTACHMENT_KINDS), help="What kind of attachment it is.")
@click.option("--name", help="Its displayed name (default for a file: the file's name).")
@click.option("--remove", is_flag=True, help="Remove the attachment.")
@pass_invocation
def attach(invocation: Invocation, ref: str, where: str, kind: str | None, name: str | None, remove: bool) -> int:
    """Attach a pull request, COMMIT, document or FILE to REF, as in: attach w-7k3qd docs/plan.pdf.

    A commit is named by seven or more digits of its hash. For a file, its size and SHA-256 are recorded; the file
    itself stays where it is. `show REF` lists what is attached.
    """
    if remove and (kind is not None or name is not None):
        raise click.UsageError("an attachment is taken away by its URL or path: leave --kind and --name out")
    project = invocation.app.identity.project
    given = {key: value for key, value in (("kind", kind), ("name", name)) if value is not None}
    if remove:
        answered = _remove(invocation, ref, _spellings(project, where))
    else:
        named = _file(project, Path(where)) if _is_file(where) else {"url": _elsewhere(ref, where, kind)}
        answered = _perform(invocation, {"id": ref, **named, **given})
    if invocation.as_json:
        answer_json(answered)
    else:
        word = "nothing to change: it has no" if remove else "nothing to change:"
        done = word if answered.get("unchanged") else "without" if remove else ""
        say(" ".join(filter(None, (f"{answered['ref']} ", done, printable(answered["url"])))))
    return exits.of_answer(answered)


def _elsewhere(ref: str, where: str, kind: str | None) -> str:
    """A URL, or a commit; a path in the project only of a kind that is named, for it may be mistyped."""
    found = where if ELSEWHERE.fullmatch(where) else _commit(where)
    if found is None and kind is None:
        line = f"attach {ref} {shlex.quote(where)} --kind document"
        raise exits.Incomplete(f"there is no file {where!a} here, and it is neither a URL nor a commit", line)
    return found or where


def _commit(where: str) -> str | None:
    return f"commit:{where}" if HASH.fullmatch(where) else None


def _is_file(where: str) -> bool:
    return isfile(where)  # noqa: PTH113  # a URL may be longer than a file's name, which Path.is_file raises for


def _perform(invocation: Invocation, arguments: Answered) -> Answered:
    return {"url": arguments["url"], **OPERATIONS["attach"].perform(invocation.app, arguments)}


def _remove(invocation: Invocation, ref: str, urls: list[str]) -> Answered:
    """Takes away the first of them that is attached."""
    for url in urls:
        answered = _perform(invocation, {"id": ref, "url": url, "remove": True})
        if not answered.get("unchanged"):
            break
    return answered


def _spellings(project: Path, where: str) -> list[str]:
    """The URLs under which it may be attached: that of a file, even one that is gone, and what was typed."""
    if ELSEWHERE.fullmatch(where):
        return [where]
    file = Path(where)
    typed = [] if file.is_absolute() else [where if "%" in where else quote(where)]
    spellings = (_place(project, file.resolve()), *typed, _commit(where))
    return list(dict.fromkeys(spelling for spelling in spellings if spelling is not None))


def _place(project: Path, whole: Path) -> str:
    """A file in the project by its path there, another one by its whole path."""
    inside = whole.is_relative_to(project.resolve())
    return quote(whole.relative_to(project.resolve()).as_posix()) if inside else whole.as_uri()


def _file(project: Path, file: Path) -> Answered:
    """The attachment of a file, with its size and digest."""
    whole = file.resolve()
    with whole.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    url = _place(project, whole)
    return {"url": url, "kind": "file", "name": file.name, "size": whole.stat().st_size, "sha256": digest}
