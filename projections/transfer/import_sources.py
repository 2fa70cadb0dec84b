"""The sources that can be imported: how each is called, how it is recognised, and who reads it.

A new reader adds a line here, an installed package an entry point, and the command line offers it: `import NAME PATH`,
and `import PATH`, which looks at the content.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from ledger.errors import Invalid
from ledger.importing.readers import prompts
from ledger.importing.readers.backlog import tasks
from ledger.importing.readers.git import history
from ledger.importing.readers.legacy import legacy_file, status_file
from ledger.importing.readers.reading import check_text
from ledger.importing.readers.sample import Sample, sample_of
from ledger.importing.readers.source_item import Read
from ledger.importing.readers.trackers.assistants import beads, claude_code, taskmaster, vibe_kanban
from ledger.importing.readers.trackers.hosted import asana, github, gitlab, jira, linear, plane, trello
from ledger.importing.readers.trackers.personal import orgmode, taskwarrior, todotxt
from projections.transfer import restore
from projections.transfer.own_importers import own_importers


class Importable(Struct, frozen=True, kw_only=True):
    """What `import NAME` takes. `called` completes "it looks like ...", `recognises` is True only for what is sure.

    `surrounds` is said of what any other source may lie in, as in a repository: without a path it is the one around the
    project, and nothing else in its folder speaks against it.
    """

    called: str
    recognises: Callable[[Sample], bool]
    surrounds: bool = False


class Source(Importable, frozen=True, kw_only=True):
    """A source that gives records. `sentence` and `argument` are for the help of its command.

    One that is `reconciled` is compared with the ledger before the commit. The records of one that `is_dated` say when
    they last changed.
    """

    sentence: str
    argument: str
    read: Read
    reconciled: bool = False
    is_dated: bool = False


SOURCES: dict[str, Source] = {
    legacy_file.SOURCE: Source(
        called="a status file in markdown",
        sentence="A status file kept in markdown: vendors, deployments, enhancements, sessions and work items.",
        argument="FILE",
        recognises=status_file.recognises,
        read=status_file.read,
        reconciled=True,
    ),
    prompts.SOURCE: Source(
        called="a folder of session prompts",
        sentence="A folder of session prompts in markdown, with YAML front matter or bold header lines.",
        argument="FOLDER",
        recognises=prompts.recognises,
        read=prompts.read,
        reconciled=True,
    ),
    beads.SOURCE: Source(
        called="a beads export",
        sentence="An export of the tracker beads: JSON lines, or the list that `bd list --json` prints.",
        argument="FILE",
        recognises=beads.recognises,
        read=beads.read,
        is_dated=True,
    ),
    taskmaster.SOURCE: Source(
        called="a task-master file",
        sentence="The tasks.json of task-master: all tags, tasks and subtasks.",
        argument="FILE",
        recognises=taskmaster.recognises,
        read=taskmaster.read,
        is_dated=True,
    ),
    tasks.SOURCE: Source(
        called="a Backlog.md folder",
        sentence="A folder of Backlog.md: tasks, drafts, milestones and decisions, also completed and archived ones.",
        argument="FOLDER",
        recognises=tasks.recognises,
        read=tasks.read,
        is_dated=True,
    ),
    todotxt.SOURCE: Source(
        called="a todo.txt file",
        sentence="A todo.txt file, or a folder's todo.txt and done.txt.",
        argument="FILE",
        recognises=todotxt.recognises,
        read=todotxt.read,
    ),
    github.SOURCE: Source(
        called="GitHub issues",
        sentence="GitHub issues as JSON: from `gh issue list --state all --json ...`, REST, GraphQL, an archive.",
        argument="PATH",
        recognises=github.recognises,
        read=github.read,
        is_dated=True,
    ),
    jira.SOURCE: Source(
        called="a Jira export",
        sentence="Issues that Jira exports as CSV, with all fields or some, from its cloud or a server.",
        argument="FILE",
        recognises=jira.recognises,
        read=jira.read,
        is_dated=True,
    ),
    linear.SOURCE: Source(
        called="a Linear export",
        sentence="Issues that Linear exports as CSV, with 21, 30 or 34 columns.",
        argument="FILE",
        recognises=linear.recognises,
        read=linear.read,
        is_dated=True,
    ),
    trello.SOURCE: Source(
        called="a Trello board",
        sentence="A board that Trello exports as JSON: cards, lists, checklists and comments.",
        argument="FILE",
        recognises=trello.recognises,
        read=trello.read,
        is_dated=True,
    ),
    gitlab.SOURCE: Source(
        called="GitLab issues",
        sentence="GitLab issues as JSON from its interface or `glab`, a project export's lines, or as CSV.",
        argument="FILE",
        recognises=gitlab.recognises,
        read=gitlab.read,
        is_dated=True,
    ),
    taskwarrior.SOURCE: Source(
        called="a Taskwarrior export",
        sentence="Tasks that `task export` prints, as a list or an object a line.",
        argument="FILE",
        recognises=taskwarrior.recognises,
        read=taskwarrior.read,
        is_dated=True,
    ),
    asana.SOURCE: Source(
        called="an Asana export",
        sentence="Tasks that Asana exports as CSV.",
        argument="FILE",
        recognises=asana.recognises,
        read=asana.read,
        is_dated=True,
    ),
    plane.SOURCE: Source(
        called="a Plane export",
        sentence="Issues that Plane exports as CSV.",
        argument="FILE",
        recognises=plane.recognises,
        read=plane.read,
        is_dated=True,
    ),
    claude_code.SOURCE: Source(
        called="Claude Code's tasks",
        sentence="Claude Code's own tasks: ~/.claude/tasks, or the folder of one list in it.",
        argument="FOLDER",
        recognises=claude_code.recognises,
        read=claude_code.read,
    ),
    vibe_kanban.SOURCE: Source(
        called="a vibe-kanban database",
        sentence="The SQLite database of vibe-kanban: tasks, projects and branches.",
        argument="FILE",
        recognises=vibe_kanban.recognises,
        read=vibe_kanban.read,
        is_dated=True,
    ),
    orgmode.SOURCE: Source(
        called="an org file",
        sentence="Headings with a keyword (TODO, NEXT, DONE, ...) of an org file.",
        argument="FILE",
        recognises=orgmode.recognises,
        read=orgmode.read,
    ),
    history.SOURCE: Source(
        called="a git repository",
        sentence="The history of a git repository: deployments, branches, issues and vendors that its commits name.",
        argument="[REPOSITORY]",
        recognises=history.recognises,
        read=history.read,
        surrounds=True,
    ),
}

SOURCES |= {
    name: Source(
        called=importer.called,
        sentence=importer.sentence,
        argument=importer.argument,
        recognises=importer.recognises,
        read=read,
        is_dated=importer.is_dated,
    )
    for name, importer, read in own_importers({*SOURCES, restore.SOURCE})
}

KNOWN: dict[str, Importable] = {
    **SOURCES,
    restore.SOURCE: Importable(called="events that a ledger exported", recognises=restore.recognises),
}


INSIDE = (  # where other tools keep their files in a project
    ".beads/issues.jsonl",
    ".taskmaster/tasks/tasks.json",
    "tasks/tasks.json",
    "tasks.json",
    ".project_status.md",
    "todo.txt",
)


class Detected(Struct, frozen=True, kw_only=True):
    """What a path surely is: a source, and where it lies. `others` are commands for what else is there."""

    name: str
    path: Path
    others: tuple[str, ...] = ()


def detected(path: Path) -> Detected:
    """The one source that a path surely is, or that lies in it; Invalid if it is none, or more than one."""
    recognised = _recognised(path)
    around = [Detected(name=name, path=path) for name in recognised if KNOWN[name].surrounds]
    found = [Detected(name=name, path=path) for name in recognised if not KNOWN[name].surrounds]
    if path.is_dir():
        found += [one for one in _inside(path) if one.name not in recognised]
    if len(found) == 1:
        return replace(found[0], others=tuple(map(_command, around)))
    if found:
        called = " or ".join(KNOWN[one.name].called for one in found)
        commands = " or ".join(map(_command, [*found, *around]))
        raise _invalid(path, f"could be {called}", f"say which: {commands}")
    return around[0] if around else _unknown(path)


def _command(one: Detected) -> str:
    return f"`tracking-ledger import {one.name} {one.path}`"


def _inside(folder: Path) -> Iterator[Detected]:
    """The files of other tools in a project's folder, where there are any."""
    for file in (folder / place for place in INSIDE):
        names = _recognised(file) if file.is_file() else []
        if len(names) == 1 and not (names[0] == legacy_file.SOURCE and status_file.is_only_our_report(sample_of(file))):
            yield Detected(name=names[0], path=file)


def _unknown(path: Path) -> NoReturn:
    if not path.is_dir():
        check_text(path)
    sample = sample_of(path)
    if not sample.text.strip() and not sample.names:
        raise _invalid(path, "is empty: it holds nothing to import", "name a file or a folder that holds something")
    known = ", ".join(f"{name} ({source.called})" for name, source in KNOWN.items())
    problem = "could not be recognised by its content"
    raise _invalid(path, problem, f"say which: `tracking-ledger import NAME {path}`, NAME one of {known}")


def check(name: str, path: Path) -> None:
    """Raises Invalid when a path is surely something else than what it is said to be."""
    if KNOWN[name].recognises(sample_of(path)):
        return
    found = [other for other in _recognised(path) if not KNOWN[other].surrounds]
    if found and name not in found and not KNOWN[name].surrounds:
        called = KNOWN[name].called
        raise _invalid(
            path, f"looks like {_either(found)}, not like {called}", f"use `tracking-ledger import {found[0]} {path}`"
        )


def _recognised(path: Path) -> list[str]:
    sample = sample_of(path)
    return [name for name, source in KNOWN.items() if source.recognises(sample)]


def _either(names: list[str]) -> str:
    return " or ".join(KNOWN[name].called for name in names)


def _invalid(path: Path, problem: str, next_step: str) -> Invalid:
    return Invalid(
        f"{path} {problem}",
        next_step=f"{next_step}; nothing was recorded",
        fields=[{"field": "file", "problem": problem, "value": str(path), "line": None}],
    )
