"""`import`: take over what another tool has recorded."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from ledger.importing.readers.finding_words import KINDS
from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliCommand, CliGroup, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, fields, heading, printable, remark, table, working
from projections.transfer import restore
from projections.transfer.file_import import ImportRequest
from projections.transfer.import_execution import EXAMPLES
from projections.transfer.import_sources import KNOWN, SOURCES, Source, check, detected

PARTS = ("only_in_file", "only_in_ledger", "differing", "kept_here", "not_read")  # of a comparison
MOST_ERRORS = 20  # that a person is shown
ALL_OF_THEM = """Everything is recorded in one step, with the authors and times of the source. Importing the same source
again records only what has changed in it. Exit code 8 if a part of it was not imported: the report
names that part."""


class Sources(CliGroup):
    """`import NAME PATH`; and `import PATH`, which is what its content says."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_value = {flag for option in self.params for flag in option.opts if not getattr(option, "is_flag", False)}
        given = [
            argument
            for before, argument in pairwise(["", *args])
            if not argument.startswith("-") and before not in takes_value
        ]
        named = [argument for argument in given if argument in self.commands or Path(argument).exists()]
        is_path = len(given) == 1 and named == given and self._needs_path(given[0])
        if "" in given:
            ctx.fail("PATH is empty: name a file or folder")
        if given and not named:
            names = ", ".join(self.commands)
            ctx.fail(f"{printable(given[0])} is neither a file or folder that is there nor one of {names}")
        if len(given) > 1 and given[0] not in named:
            ctx.fail(f"{printable(given[0])} is none of {', '.join(self.commands)}")
        if named and (is_path or named[0] not in self.commands):
            found = detected(Path(named[0]))
            for command in found.others:
                remark(f"read as {KNOWN[found.name].called}; to import what is around it: {printable(command)}")
            args = [found.name, *(str(found.path) if argument is named[0] else argument for argument in args)]
        return super().parse_args(ctx, args)

    def _needs_path(self, word: str) -> bool:
        """A source by itself, where a file or folder of its name is there: `backlog` is that folder, `git` is not."""
        source = self.commands.get(word)
        return source is not None and Path(word).exists() and any(one.required for one in source.params)


@click.group("import", cls=Sources)
def import_() -> None:
    """Import from another tool. Importing the same source again records only what has changed in it.

    The name of the source may be left out: `import PATH` recognises it by its content.
    """


def _command(name: str, source: Source) -> click.Command:
    @click.command(name, cls=CliCommand, help=f"{source.sentence}\n\n{ALL_OF_THEM}", short_help=source.sentence)
    @click.argument("path", metavar=source.argument, type=click.Path(path_type=Path), required=not source.surrounds)
    @click.option("--dry-run", is_flag=True, help="Show what would happen, and record nothing.")
    @click.option("--strict", is_flag=True, help="Exit code 8 also for links to unknown ids.")
    @pass_invocation
    def command(
        invocation: Invocation, path: Path | None, dry_run: bool, strict: bool, older_wins: bool = False
    ) -> int:
        wanted = ImportRequest(
            source=name, path=path or invocation.settings.project, dry_run=dry_run, older_wins=older_wins
        )
        return _import(invocation, wanted, strict=strict)

    older = click.option(
        "--older-wins", is_flag=True, help="Import a record even if the ledger has a newer state of it."
    )
    return older(command) if source.is_dated else command


for _name, _source in SOURCES.items():
    import_.add_command(_command(_name, _source))


@import_.command(restore.SOURCE, short_help="Events that a ledger exported, for the same ledger again.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check the file, and change nothing.")
@pass_invocation
def events(invocation: Invocation, file: Path, dry_run: bool) -> None:
    """Import the events that a ledger exported, exactly as they were: with the same positions, times and digests.

    An empty ledger becomes the ledger that exported them, also in .ledger/ledger.json. A ledger that has the first
    of these events gets the others. Any other ledger refuses them. A file that is damaged or cut off is refused
    too: all lines are checked before the first event is recorded.
    """
    check(restore.SOURCE, file)
    with working(f"importing {file}"):
        restored = restore.bring_back(invocation.app, file, dry_run=dry_run)
        invocation.move_to(invocation.settings.project)
        invocation.app.runtime.catch_up()
    if invocation.as_json:
        answer_json(restore.as_report(restored))
        return
    fields([("ledger", restored.ledger), ("found", restored.found), ("taken", restored.taken)])
    remark("nothing was recorded: a dry run" if dry_run else _recorded(restored.taken))


def _import(invocation: Invocation, wanted: ImportRequest, *, strict: bool) -> int:
    with working(f"importing {wanted.path}"):
        report = wanted.run(invocation.app)
    if invocation.as_json:
        answer_json(report)
    else:
        _print_report(report)
    is_whole = not report["not_taken"] and not (strict and report["dangling_links"])
    return exits.DONE if report["success"] and is_whole else exits.DIFFERENCE


def _print_report(report: dict[str, Any]) -> None:
    names = ("found", "taken", "created", "changed", "unchanged", "events")
    fields(
        [(name, report[name]) for name in names]
        + [("links", f"{report['links']['taken']} of {report['links']['found']}")]
    )
    _kinds("Not taken", [(entry["kind"], entry["count"], entry["where"]) for entry in report["not_taken"]])
    _kinds("Links to nothing", [(entry["kind"], entry["count"], entry["where"]) for entry in report["dangling_links"]])
    if report["older"]:
        _kinds("Left out", [("older_than_known", len(report["older"]), report["older"])])
    _kinds("No records", [(entry["kind"], entry["count"], entry["where"]) for entry in report["nothing_to_record"]])
    _kinds("Taken as found", [(entry["kind"], entry["count"], entry["examples"]) for entry in report["warnings"]])
    if "reconciliation" in report:
        _checks(report)
    remark(f"{_done(report)} ({report['elapsed_ms']:.0f} ms)")


def _checks(report: dict[str, Any]) -> None:
    heading("File and ledger compared")
    table(
        ("check", "same", "only in file", "only in ledger", "differing", "changed here since", "not read"),
        (
            (name.replace("_", " "), check["match"], *(len(check[part]) for part in PARTS))
            for name, check in report["reconciliation"].items()
        ),
    )
    for error in report["errors"][:MOST_ERRORS]:
        remark(printable(error), style="red")
    if len(report["errors"]) > MOST_ERRORS:
        remark(f"{len(report['errors']) - MOST_ERRORS} more differences: --json names them all", style="red")
    if report["backup"]:
        remark(f"a copy of the file as it is: {printable(report['backup'])}")


def _done(report: dict[str, Any]) -> str:
    if not report["success"]:
        return "nothing was recorded: everything was taken back"
    if report["dry_run"]:
        return "nothing was recorded: a dry run"
    return _recorded(report["events"])


def _recorded(events: int) -> str:
    """What is said at the end.

    >>> _recorded(1), _recorded(3)
    ('1 event recorded', '3 events recorded')
    """
    return f"{events} event{'s' if events != 1 else ''} recorded"


def _kinds(title: str, kinds: list[tuple[str, int, list[str]]]) -> None:
    if kinds:
        heading(title)
        table(
            ("", "what", "where"),
            ((count, KINDS.get(kind, kind), _where(where, count)) for kind, count, where in kinds),
        )


def _where(where: list[str], count: int) -> str:
    more = count - len(where[:EXAMPLES])
    return printable("; ".join(where[:EXAMPLES])) + (f"; {more} more" if more > 0 else "")
