"""`list` and `due`: work items by filters, in columns that fit the terminal."""

import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import click

from ledger.values.dates import DAY, ends
from ledger.values.moment import parse
from projections.application import clones
from projections.cli.daily.items import person
from projections.cli.daily.shared.calls import perform
from projections.cli.daily.shared.filters import filter_options
from projections.cli.terminal import every_ledger, exits, views
from projections.cli.terminal.completions import PERSON, STATE, VIEW
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.next_lines import REFERENCE
from projections.cli.terminal.output import answer_json, planned, printable, remark, table
from projections.cli.terminal.parameters.dates import When, WhenTyped
from projections.cli.terminal.parameters.points import POINT
from projections.cli.terminal.wording import awaited, short_ago
from projections.questions.answers import Answered
from projections.questions.pages import counted
from projections.questions.work.item_lists import SUMMARY

HEADINGS = ("ref", "title", "type", "status", "prio", "due", "for", "held by", "waits for", "changed")
ORDERS: dict[str, Callable[[Answered], Any]] = {  # of items of several ledgers
    "priority": lambda item: item.get("priority") or 9,
    "updated": lambda item: -parse(item["updated_at"]).timestamp(),
    "created": lambda item: -parse(item["created_at"]).timestamp(),
    "due": lambda item: ends(item["due"]) if item.get("due") else ends(LAST_DAY),
}
LAST_DAY = "9999-12-31"  # what is never due is not due until then


@click.command("list", cls=CliCommand)
@click.argument("words", nargs=-1)
@filter_options()
@click.option(
    "-s",
    "--status",
    type=STATE,
    help="Only in this state or category of states, like done (default: all that is not finished).",
)
@click.option("-a", "--assignee", type=PERSON, metavar="NAME", help="Only assigned to this person; `me` is you.")
@click.option("--mine", is_flag=True, help="Only what is assigned to you or claimed by you.")
@click.option("--due", metavar="WHEN", type=WhenTyped(), help="Only what is due by then: fri, +3d, 2026-12-15.")
@click.option("--with-finished", "everything", is_flag=True, help="Finished items too.")
@click.option(
    "--sort", "order", type=click.Choice(["updated", "created", "priority", "due"]), help="(default: priority)"
)
@click.option("--as-of", type=POINT, help="As it was at a position, at a time, or a while ago: 120, 2026-11-20, 2h.")
@every_ledger.OPTION
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="At most this many.")
@click.option("--page", type=click.IntRange(min=1), default=1, help="The number of the page (default: 1).")
@click.option("--save", type=VIEW, metavar="VIEW", help="Save these filters under a name, in .ledger/views.json.")
@click.option(
    "--view", type=VIEW, metavar="VIEW", help="Use the filters saved under this name; other options add to them."
)
@click.option("--forget", type=VIEW, metavar="VIEW", help="Delete a saved view.")
@pass_invocation
def list_(
    invocation: Invocation,
    /,
    limit: int,
    page: int,
    save: str | None,
    view: str | None,
    forget: str | None,
    as_of: str | None,
    **given: Any,
) -> None:
    """List work items that are not finished, the most urgent first; with WORDS, those that contain them.

    Another command can take its lines: tracking-ledger list --tag docs | tracking-ledger done -
    """
    if forget is not None:
        views.forget(invocation, forget)
        remark(f"forgot {printable(forget)}")
        return
    known = set(given)
    given = {name: value for name, value in given.items() if value not in (None, (), False)}
    if view is not None:
        given = views.view(invocation, view, known) | given
    if save is not None:
        replaced = views.save(invocation, save, given)
        remark(f"saved: tracking-ledger list --view {printable(save)}")
        if replaced is not None:
            remark(f"replaced what it was: tracking-ledger {printable(_command_of_view(save, replaced))}")
    _list(invocation, limit, page, as_of=as_of, **given)


def _list(
    invocation: Invocation,
    limit: int,
    page: int,
    *,
    words: Sequence[str] = (),
    mine: bool = False,
    everything: bool = False,
    due: str | None = None,
    **filters: Any,
) -> None:
    if mine and filters.get("assignee"):
        raise click.UsageError("--mine and --assignee exclude each other: give one of them")
    filters["assignee"] = person(invocation, filters.get("assignee"))
    filters["due_until"] = When().convert(due, None, None) if due else None  # here: a view keeps the word `today`
    filters |= {"limit": limit, "offset": (page - 1) * limit}
    filters["unfinished"] = None if everything or filters.get("status") else True
    filters |= {"text": " ".join(words)} if words else {"order": filters.get("order") or "priority"}
    if filters.pop("every_ledger", False):
        _list_everywhere(invocation, mine=mine, **filters)
        return
    answered = _of_person(invocation, filters) if mine else perform(invocation, "list_work_items", **filters)
    if invocation.as_json:
        answer_json(answered)
        return
    now = invocation.app.clock()
    table(HEADINGS, (_line(item, now) for item in answered["items"]), cut=("title",))
    if not answered["items"]:
        remark(_of_clone(invocation, answered, filters) or _nothing(page, filters | {"mine": mine}))
    elif answered["has_more"]:
        remark(f"{answered['returned']} of {counted(answered)}; more: --page {page + 1}")
    if "next_step" in answered:
        remark(answered["next_step"])


def _command_of_view(name: str, filters: Answered) -> str:
    """The command, after the name of the program, with which a view of these filters is saved."""
    words = [str(word) for word in filters.get("words", ())]
    for option in list_.params:
        if isinstance(option, click.Option) and filters.get(str(option.name)) is not None:
            flag = max(option.opts, key=len)
            words += [flag] if option.is_flag else [flag, str(filters[str(option.name)])]
    return shlex.join(["list", *words, "--save", name])


def _of_clone(invocation: Invocation, answered: Answered, filters: Answered) -> str | None:
    """What a clone whose journal is committed needs, where nothing of the ledger is in the database."""
    is_empty = answered.get("as_of", {"position": 0})["position"] == 0 and filters.get("as_of") is None
    has_journal = is_empty and clones.is_in_project(invocation.app.identity.project)
    return f"{clones.NOT_HERE}\nnext: {clones.BRING_BACK}" if has_journal else None


def _nothing(page: int, filters: Answered) -> str:
    """Why a list is empty, and what to type then."""
    if page > 1:
        return "no more work items"
    unfiltered = {"limit", "offset", "unfinished", "order"}
    if any(value not in (None, False) for name, value in filters.items() if name not in unfiltered):
        return "no work items like that; all of them: tracking-ledger list --with-finished"
    return "no work items: tracking-ledger add TITLE creates one"


def _list_everywhere(invocation: Invocation, *, mine: bool, limit: int, **filters: Any) -> None:
    if mine or any(filters.get(name) for name in ("offset", "parent_id", "milestone_id", "as_of")):
        raise click.UsageError("--all cannot be combined with --mine, --page, --parent, --milestone or --as-of")
    del filters["offset"]
    given = {name: value for name, value in filters.items() if value is not None} | {"limit": limit}
    given |= {"fields": [*SUMMARY, "created_at"]} if filters.get("order") == "created" else {}
    found = every_ledger.everywhere(invocation, "list_work_items", given, limit, ORDERS.get(filters.get("order", "")))
    if invocation.as_json:
        found.as_json()
        return
    now = datetime.now(UTC)
    found.show(HEADINGS, lambda item: _line(item, now))


@click.command("due", cls=CliCommand)
@click.argument("words", metavar="[WHEN]", nargs=-1)
@click.option("--mine", is_flag=True, help="Only what is assigned to you or claimed by you.")
@filter_options("milestone_id")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="At most this many.")
@pass_invocation
def due_(invocation: Invocation, /, words: tuple[str, ...], mine: bool, **filters: Any) -> None:
    """Unfinished work items with a due date, the earliest first; with WHEN, those due by then."""
    until = _until(words)
    filters |= {"order": "due", "due_until": until or LAST_DAY, "unfinished": True}
    answered = _of_person(invocation, filters) if mine else perform(invocation, "list_work_items", **filters)
    answered["items"].sort(key=lambda item: ends(item["due"]))
    if invocation.as_json:
        answer_json(answered)
        return
    today = datetime.now(UTC).date()
    rows = (
        (item["ref"], item["title"], planned(item["due"]), _away(item["due"], today), item.get("assignee"))
        for item in answered["items"]
    )
    table(("ref", "title", "due", "that is", "for"), rows, cut=("title",))
    if not answered["items"]:
        remark("nothing is due: tracking-ledger edit REF --due WHEN says when something is")
    elif answered["has_more"]:
        remark(f"{answered['returned']} of {counted(answered)}; more: --limit")


def _until(words: tuple[str, ...]) -> str:
    when = " ".join(words[1:]) or "WHEN"
    if words and REFERENCE.fullmatch(words[0]):
        line = f"edit {words[0]} --due {shlex.quote(when)}"
        raise exits.Incomplete("this lists what is due by a day; of an item the day is a field", line)
    return When().convert(" ".join(words), None, click.get_current_context())


def _away(due: str, today: date) -> str:
    """How far it is away; days are those of UTC, as they are kept."""
    days = (date.fromisoformat(due[:DAY]) - today).days
    words = {-1: "1 day late", 0: "today", 1: "tomorrow"}
    return words.get(days) or (f"in {days} days" if days > 0 else f"{-days} days late")


def _of_person(invocation: Invocation, filters: Answered) -> Answered:
    """What is assigned to the caller, then what the caller holds besides."""
    assigned = perform(invocation, "list_work_items", **filters | {"assignee": invocation.actor})
    held = perform(invocation, "list_work_items", **filters | {"claimed_by": invocation.actor})
    known = {item["id"] for item in assigned["items"]}
    items = [*assigned["items"], *(item for item in held["items"] if item["id"] not in known)]
    return {
        **assigned,
        "items": items,
        "returned": len(items),
        "total_count": len(items),
        "has_more": assigned["has_more"] or held["has_more"],
    }


def _line(item: Answered, now: datetime) -> tuple[object, ...]:
    claim = item.get("claim") or {}
    return (
        item["ref"],
        item["title"],
        item["item_type"],
        item["status"],
        item.get("priority"),
        planned(item["due"]) if "due" in item else None,
        item.get("assignee"),
        f"{claim['by']} (ended)" if claim.get("expired") else claim.get("by"),
        awaited(item.get("question")),
        short_ago(item["updated_at"], now),
    )
