"""`import`: take over what another tool has recorded."""

from pathlib import Path
from typing import Any

import click

from projections.cli import exits
from projections.cli.invocation import Group, Invocation, pass_invocation
from projections.cli.output import answer_json, fields, heading, remark, shown, table
from projections.importing import EXAMPLES, Import

KINDS = {  # what a person reads; a kind that is not here is readable as it is
    "link_to_absent_id": "links to ids that are neither in the file nor in the ledger",
    "link_to_itself": "links of an item to itself",
    "link_not_understood": "dependencies that name no other item",
    "not_json": "lines that are not JSON",
    "not_an_object": "lines that are no record",
    "not_an_issue": "records that are no issue",
    "no_id": "records without an id",
    "id_too_long": "records whose id is too long to be found by",
    "repeated_id": "records whose id stood in the file before",
    "number_too_large": "records with whole numbers beyond 64 bits",
    "unstorable": "records with characters that cannot be stored",
    "link_older_than_its_item": "links older than the item that has them: recorded with its creation, their time kept",
    "comments_missing": "comments that the source counts and does not tell",
    "changed_on_both_sides": "changed in the source and here: what was written here stays",
    "deleted_here": "changed in the source and deleted here: stays deleted",
    "no_longer_in_the_file": "in the ledger from an earlier import, not in this file",
    "deeper_than_the_limit": "items deeper than the limit",
    "circle": "items that wait for themselves",
    "longer_than_the_limit": "texts beyond today's limits",
}


@click.group("import", cls=Group)
def import_() -> None:
    """Take over what another tool has recorded. Importing a file again records only what changed in it."""


@import_.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would happen, and record nothing.")
@pass_invocation
def beads(invocation: Invocation, file: Path, dry_run: bool) -> int:
    """Import a JSONL export of the tracker beads.

    Everything is recorded in one step, with the authors and times of the source. Ends with 8 when something of the
    file was not taken; the report names it.
    """
    report = Import(source="beads", path=file, dry_run=dry_run).run(invocation.app)
    if invocation.as_json:
        answer_json(report)
    else:
        _tell(report)
    return exits.DIFFERENCE if report["not_taken"] else exits.DONE


def _tell(report: dict[str, Any]) -> None:
    names = ("found", "taken", "created", "changed", "unchanged", "events")
    fields(
        [(name, report[name]) for name in names]
        + [("links", f"{report['links']['taken']} of {report['links']['found']}")]
    )
    _kinds("Not taken", [(entry["kind"], entry["count"], entry["where"]) for entry in report["not_taken"]])
    _kinds("Taken as found", [(entry["kind"], entry["count"], entry["examples"]) for entry in report["warnings"]])
    done = "nothing was recorded: a dry run" if report["dry_run"] else f"{report['events']} events recorded"
    remark(f"{done} ({report['elapsed_ms']:.0f} ms)")


def _kinds(title: str, kinds: list[tuple[str, int, list[str]]]) -> None:
    if kinds:
        heading(title)
        table(
            ("", "what", "where"),
            ((count, KINDS.get(kind, kind), _where(where, count)) for kind, count, where in kinds),
        )


def _where(where: list[str], count: int) -> str:
    more = count - len(where[:EXAMPLES])
    return shown("; ".join(where[:EXAMPLES])) + (f"; {more} more" if more > 0 else "")
