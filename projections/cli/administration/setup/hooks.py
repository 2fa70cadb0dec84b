"""`hook`: git hooks that link commits to the work items that branches and messages name."""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from ledger.errors import LedgerError
from ledger.values.reference import ALPHABET
from ledger.values.states import FINISHED
from projections.cli.terminal.exits import DONE
from projections.cli.terminal.invocation import CliGroup, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, table
from projections.maintenance import git_hooks
from projections.maintenance.repository import git
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered

LONGEST_WAIT = 20.0  # seconds after which a hook leaves the commit alone
LONGEST_NAME = 200  # characters of an attachment's name
MOST_REFS = 20  # of one commit
_REF = re.compile(rf"(?<![0-9a-z])w-[{ALPHABET}oil]{{5,26}}(?![0-9a-z])", re.IGNORECASE)
LINKS, COMPLETES = "Ledger", "Completes"  # trailers of a message


@click.group("hook", cls=CliGroup)
def hook() -> None:
    """Git hooks that link commits to work items.

    A commit is attached to the item that is named by its branch (w-7k3qd-new-door), or by a line at the end of its
    message: `Ledger: w-7k3qd`, or `Completes: w-7k3qd`, which also completes the item. No commit fails because of
    the hooks, and none waits longer than 20 seconds for the ledger.
    """


@hook.command()
@pass_invocation
def install(invocation: Invocation, /) -> None:
    """Install the hooks in this repository, for all of its worktrees; hooks that it has keep running."""
    project = invocation.app.identity.project
    _print_outcomes(invocation, git_hooks.folder_of(project), git_hooks.install(project))


@hook.command()
@pass_invocation
def uninstall(invocation: Invocation, /) -> None:
    """Remove the hooks, and put back those that were there before."""
    project = invocation.settings.project
    _print_outcomes(invocation, git_hooks.folder_of(project), git_hooks.uninstall(project))


@hook.command(hidden=True)
@click.argument("inside")
@click.argument("name", type=click.Choice(git_hooks.HOOKS))
@click.argument("arguments", nargs=-1)
@pass_invocation
def run(invocation: Invocation, /, inside: str, name: str, arguments: tuple[str, ...]) -> int:
    """What an installed hook asks for. INSIDE is the project's folder in the worktree."""
    limit = threading.Timer(LONGEST_WAIT, os._exit, (DONE,))
    limit.daemon = True
    limit.start()
    try:
        worktree = Path.cwd()
        invocation.move_to(_project(worktree, inside))
        if not invocation.app.has_ledger:
            return DONE
        match name:
            case "prepare-commit-msg":
                _prepare(invocation, worktree, Path(arguments[0]), arguments[1:])
            case "post-commit":
                _link(invocation, worktree, "HEAD")
            case _:
                _rewritten(invocation, worktree, sys.stdin.read())
    except (LedgerError, OSError) as error:
        remark(f"tracking-ledger: the commit is not linked: {printable(error)}", style="yellow")
    finally:
        limit.cancel()
    return DONE


def _print_outcomes(invocation: Invocation, folder: Path, done: dict[str, git_hooks.Outcome]) -> None:
    if invocation.as_json:
        answer_json({"folder": str(folder), "hooks": done})
        return
    table(("hook", "outcome"), done.items())
    remark(f"in {printable(folder)}")


def _project(worktree: Path, inside: str) -> Path:
    """The project in this worktree; where that has no ledger, as it was never committed, in the first one."""
    here = worktree / inside
    if (here / ".ledger").is_dir():
        return here
    common = git(worktree, "rev-parse", "--git-common-dir")
    first = (worktree / common).parent / inside if common else here
    return first if (first / ".ledger").is_dir() else here


def _prepare(invocation: Invocation, worktree: Path, message: Path, rest: tuple[str, ...]) -> None:
    """The branch's item into the message, for people and other clones; not into one that names an item."""
    if rest[:1] == ("merge",):
        return
    known = _trailers(worktree, message.read_bytes().decode(errors="replace"))
    for ref in [] if known else _existing_refs(invocation, _of_branch(worktree)):
        trailer = ("interpret-trailers", "--in-place", "--trailer", f"{LINKS}: {ref}", str(message.absolute()))
        git(worktree, *trailer)


def _link(invocation: Invocation, worktree: Path, commit: str) -> None:
    output = git(worktree, "log", "-1", "--no-show-signature", "--format=%H%n%s%n%B", commit, needed=True) or ""
    digest, subject, message = (*output.split("\n", 2), "", "")[:3]
    trailers = _trailers(worktree, message)
    written = [ref for refs in trailers.values() for ref in refs]
    for ref in _existing_refs(invocation, written or _of_branch(worktree), _print_refusal if written else _pass_over):
        arguments = {"id": ref, "url": f"commit:{digest}", "kind": "commit", "name": subject.strip()[:LONGEST_NAME]}
        done = _perform(invocation, "attach", {name: value for name, value in arguments.items() if value})
        _print_for_committer(f"{ref}: {digest[:7]} is attached", done)
    for ref in _existing_refs(invocation, trailers.get(COMPLETES, [])):
        item = OPERATIONS["query_work_item"].perform(invocation.app, {"id": ref})
        if item["category"] not in FINISHED:
            completed = {"id": ref, "version": item["version"], "status": "completed"}
            done = _perform(invocation, "update_work_item", completed)
            reviewer = done.get("waits_for")
            outcome = f"waits for a review by {reviewer}" if reviewer else "is completed"
            _print_for_committer(f"{ref} {outcome}", done)


def _rewritten(invocation: Invocation, worktree: Path, lines: str) -> None:
    """Attaches the new commits of a rebase or an amendment in place of the old ones."""
    for old, new in (words[:2] for words in map(str.split, lines.splitlines()) if len(words) > 1):
        _link(invocation, worktree, new)
        message = git(worktree, "log", "-1", "--no-show-signature", "--format=%B", new) or ""
        named = [ref for refs in _trailers(worktree, message).values() for ref in refs] or _of_branch(worktree)
        for ref in _existing_refs(invocation, named):
            _perform(invocation, "attach", {"id": ref, "url": f"commit:{old}", "remove": True})


def _pass_over(_: LedgerError) -> None:
    """Says nothing of a word that only looks like a reference."""


def _print_refusal(error: LedgerError) -> None:
    remark(f"tracking-ledger: {printable(error.message)}", style="yellow")


def _trailers(worktree: Path, message: str) -> dict[str, list[str]]:
    """The references in our lines at the end of a message, by the line's word."""
    found: dict[str, list[str]] = {}
    for line in (git(worktree, "interpret-trailers", "--parse", text=message) or "").splitlines():
        word, _, value = line.partition(":")
        for known in (LINKS, COMPLETES):
            if word.strip().lower() == known.lower():
                found.setdefault(known, []).extend(_REF.findall(value))
    return {word: refs for word, refs in found.items() if refs}


def _of_branch(worktree: Path) -> list[str]:
    return _REF.findall(git(worktree, "symbolic-ref", "--quiet", "--short", "HEAD") or "")


def _existing_refs(
    invocation: Invocation, refs: list[str], unknown: Callable[[LedgerError], None] = _pass_over
) -> Iterator[str]:
    """The references of work items of this ledger, each once; a branch may hold words that look like one."""
    for ref in list(dict.fromkeys(ref.lower() for ref in refs))[:MOST_REFS]:
        try:
            yield OPERATIONS["query_work_item"].perform(invocation.app, {"id": ref})["ref"]
        except LedgerError as error:
            (unknown if error.code == "not_found" else _print_refusal)(error)


def _perform(invocation: Invocation, name: str, arguments: dict[str, object]) -> Answered:
    """The answer; an empty one for a refusal, which is shown."""
    try:
        return OPERATIONS[name].perform(invocation.app, arguments)
    except LedgerError as error:
        remark(f"tracking-ledger: {printable(error.message)}; {printable(error.next_step)}", style="yellow")
        return {}


def _print_for_committer(text: str, done: Answered) -> None:
    """What was done, or waits; nothing where nothing had to be."""
    if done and done["outcome"] != "unchanged":
        queued = ", once the ledger can be reached" if done["outcome"] == "queued" else ""
        remark(f"tracking-ledger: {printable(text)}{queued}")
