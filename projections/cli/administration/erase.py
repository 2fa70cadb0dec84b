"""`erase`: make the texts of an item or a person unreadable for good."""

import click
from msgspec import to_builtins

from ledger.errors import Invalid
from projections.application.app import App
from projections.cli.terminal import exits
from projections.cli.terminal.completions import PERSON, REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, say
from projections.maintenance.erasure import Erased, Preview, Subject, preview
from projections.maintenance.erasure import erase as erase_texts
from projections.questions.lookup import find

OUT_OF_REACH = (
    "out of reach: git's history, backups, exports and webhooks that have left, other systems; the name of an author;"
    " the guide on operations says what to do about them"
)


@click.command(cls=CliCommand)
@click.argument("item", type=REF, required=False)
@click.option(
    "--person", type=PERSON, metavar="NAME", help="All texts that this person has written, instead of an item."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def erase(invocation: Invocation, item: str | None, person: str | None, yes: bool) -> int:
    """Make texts unreadable for good. ITEM is anything with a reference. This cannot be undone.

    Ids, times, numbers, states and authors' names stay, and the chain of digests still proves the log. The erasure
    is recorded as an event, and every machine that follows the ledger erases its copies. It needs the role that
    owns the schema (LEDGER_ADMIN_DSN). First it shows what would be erased; with --json and without --yes it does
    only that.
    """
    if (item is None) == (person is None):
        raise click.UsageError("name either an item, or a person with --person")
    app = invocation.app
    subject = Subject(person=person) if person is not None else _entity(app, str(item))
    found = preview(app, subject)
    if not found.events and not yes and not invocation.as_json:
        say("no text was left to erase")
        return exits.DONE
    if not yes and not _is_wanted(invocation, found):
        return exits.DONE
    done = erase_texts(app, subject)
    if invocation.as_json:
        answer_json(to_builtins(done, enc_hook=str))
    else:
        _print_erased(done)
    return exits.DIFFERENCE if done.left else exits.DONE


def _entity(app: App, given: str) -> Subject:
    category, entity_id = find(app.tables, given)
    if category == "configuration":
        raise Invalid(
            "settings are not erased",
            next_step="change them with `tracking-ledger call update_project_configuration`, or name an item",
            fields=[{"field": "item", "problem": "is the configuration", "value": given}],
        )
    return Subject(category=category, id=entity_id)


def _is_wanted(invocation: Invocation, found: Preview) -> bool:
    if invocation.as_json:
        answer_json({"would_erase": to_builtins(found)})
        return False
    entities = ", ".join(f"{count} x {name.replace('_', ' ')}" for name, count in sorted(found.entities.items()))
    say(f"{found.events} events would lose their texts" + (f", of {entities}" if entities else ""))
    remark(OUT_OF_REACH)
    click.confirm("Erase them for good?", abort=True, err=True)
    return True


def _print_erased(done: Erased) -> None:
    if done.position is None:
        say("no text was left to erase")
    else:
        say(f"{done.events} events have lost their texts; recorded at position {done.position}")
    for file in done.left:
        remark(f"one of them still stands in {printable(file)}: look at it, and delete it", style="yellow")
    remark("other machines erase their copies when they follow next; " + OUT_OF_REACH)
