"""The verbs of a day's work on items, from `add` to `delete`.

None of them asks for a version: it is read just before. Who changed the item between the two is named as a conflict.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from ledger.aggregates.work_item.state import ITEM_TYPES
from ledger.errors import Invalid, NotFound
from projections.cli.daily.shared.calls import perform
from projections.cli.daily.shared.each_item import REFS, each
from projections.cli.daily.shared.joint_changes import TypedChange, perform_at_once
from projections.cli.terminal import exits
from projections.cli.terminal.completions import PERSON, REF, STATE, TAG
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, planned, printable, remark, remark_ready, say
from projections.cli.terminal.parameters.dates import Length, When
from projections.cli.terminal.parameters.texts import LONG_TEXT, standard_input
from projections.questions.answers import Answered

ME = "me"
OF_THE_COMMAND = ("outcome", "position", "place", "command_id", "repeated")
OF_THE_ITEM = ("id", "ref", "version", "title")
KEPT = ("title", "status", "reason")  # which no item is without

TAGS = click.option("-t", "--tag", "tags", type=TAG, multiple=True, help="Add this tag; may be repeated.")
PRIORITY = click.option("-p", "--priority", metavar="1-5", help="1 is the most urgent, 5 the least.")
ASSIGNEE = click.option(
    "-a", "--assignee", type=PERSON, metavar="NAME", help="The person it is assigned to; `me` is you."
)
DESCRIPTION = click.option(
    "-d",
    "--description",
    metavar="TEXT|-",
    type=LONG_TEXT,
    help="What it is about, in Markdown; - reads it from standard input.",
)
DUE = click.option("--due", metavar="WHEN", type=When(), help="Done by then: fri, +3d, in 2 weeks, 2026-12-15.")
NOT_BEFORE = click.option("--not-before", metavar="WHEN", type=When(), help="Not ready before then.")
ESTIMATE = click.option("--estimate", metavar="TIME", type=Length(), help="What it will take: 90m, 2h, 1h30.")
MILESTONE = click.option("--milestone", "milestone_id", type=REF, help="The milestone it belongs to.")
RECURRENCE = click.option("--recurrence", metavar="RULE", help="When done, it recurs: every 2 weeks, ...")
REASON = click.option("-r", "--reason", metavar="TEXT", help="Why.")
FORCE = click.option(
    "--force", is_flag=True, default=None, help="Even if another worker has claimed it; say why with --reason."
)


@click.command(cls=CliCommand, empties=True)
@click.argument("title", nargs=-1, required=True, metavar="TITLE|-")
@click.option("--type", "item_type", type=click.Choice(ITEM_TYPES), default="task", show_default=True)
@PRIORITY
@TAGS
@click.option("--parent", "parent_id", type=REF, help="Below this item.")
@ASSIGNEE
@DESCRIPTION
@DUE
@NOT_BEFORE
@ESTIMATE
@MILESTONE
@RECURRENCE
@click.option("--blocked-by", "blockers", multiple=True, type=REF, help="Cannot start before this is done.")
@pass_invocation
def add(invocation: Invocation, /, title: tuple[str, ...], blockers: tuple[str, ...], **fields: Any) -> int:
    """Create a work item, and print its reference.

    - reads titles from standard input, one a line. All of them are recorded, or none.
    """
    fields["tags"] = list(fields["tags"]) or None
    fields["assignee"] = person(invocation, fields["assignee"])
    titles = _of_standard_input() if title == ("-",) else {"": " ".join(title)}
    if title == ("-",) or blockers:
        answers = _created_at_once(invocation, titles, blockers, fields)
    else:
        answers = [perform(invocation, "create_work_item", title=titles[""], **fields) | {"title": titles[""]}]
    if invocation.as_json:
        answer_json({"items": answers} if title == ("-",) else answers[0])
    else:
        for made in answers:
            say(f"{made['ref']}  {printable(made['title'])}")
    return max((exits.of_answer(made) for made in answers), default=exits.DONE)


def _of_standard_input() -> dict[str, str]:
    """The titles, each with the line that it stands on."""
    return {f"line {number}": line.strip() for number, line in enumerate(standard_input(), 1) if line.strip()}


def _created_at_once(
    invocation: Invocation, titles: dict[str, str], blockers: tuple[str, ...], fields: Answered
) -> list[Answered]:
    """The items with their links, in one command."""
    from projections.operations.work.bulk import MOST  # only here: creating a single item loads less

    if len(titles) * (1 + len(blockers)) > MOST:
        raise Invalid(
            f"{len(titles):,} titles with their links are more than {MOST:,} changes at once, and nothing was recorded",
            next_step="add them in parts, or write them as a file that `tracking-ledger import` reads",
            fields=[{"field": "title", "problem": f"at most {MOST // (1 + len(blockers)):,} lines at once"}],
        )
    changes = []
    for key, (source, title) in enumerate(titles.items()):
        changes.append(TypedChange({"op": "create", "key": str(key), "title": title, **fields}, source))
        for blocker in blockers:
            link = {"op": "link", "id": blocker, "kind": "blocks", "to_id": f"${key}"}
            changes.append(TypedChange(link, f"--blocked-by {blocker}"))
    if not changes:
        return []
    done = perform_at_once(invocation, changes)
    whole = {name: done[name] for name in OF_THE_COMMAND if name in done}
    made = (found for found in done["results"] if "key" in found)
    return [whole | {name: found[name] for name in OF_THE_ITEM} for found in made]


@click.command(cls=CliCommand, empties=True)
@REFS
@click.option("--title", help="The new title.")
@DESCRIPTION
@click.option("--notes", metavar="TEXT|-", type=LONG_TEXT, help="The new notes; - reads them from standard input.")
@PRIORITY
@TAGS
@click.option("--untag", "untags", type=TAG, multiple=True, help="Remove this tag; may be repeated.")
@ASSIGNEE
@DUE
@NOT_BEFORE
@ESTIMATE
@MILESTONE
@RECURRENCE
@click.option("-s", "--status", type=STATE, help="The new state.")
@REASON
@FORCE
@pass_invocation
def edit(
    invocation: Invocation, /, refs: tuple[str, ...], tags: tuple[str, ...], untags: tuple[str, ...], **fields: Any
) -> int:
    """Change the fields of work items; an empty text clears a field. Without options it opens your editor ($EDITOR).

    The editor shows the text of an item with its fields above it. What others changed while it was open is merged;
    where both changed the same field, both values are shown. A text that was not recorded is kept, and opened again the
    next time.
    """
    if both := set(_lowered(tags)) & set(_lowered(untags)):
        raise click.UsageError(f"{', '.join(sorted(both))} is given with --tag and with --untag: leave one out")
    fields["assignee"] = person(invocation, fields["assignee"])
    if not tags and not untags and all(value is None for value in fields.values()):
        return _edit_texts(invocation, refs)

    def changed(item: Answered) -> Answered:
        emptied = [name for name, value in fields.items() if value == "" and name not in KEPT]
        asked = {name: value for name, value in fields.items() if name not in emptied}
        if tags or untags:
            kept = [tag for tag in item.get("tags") or [] if tag not in _lowered(untags)]
            asked["tags"] = [*kept, *(tag for tag in _lowered(tags) if tag not in kept)]
        return {**asked, "clear": emptied or None}

    return _update(invocation, refs, changed, "changed")


def _edit_texts(invocation: Invocation, refs: tuple[str, ...]) -> int:
    if not sys.stdin.isatty() and not any(os.environ.get(name) for name in ("VISUAL", "EDITOR")):
        raise click.UsageError("name at least one field to change, as in: edit w-7k3qd --priority 1; or set EDITOR")
    from projections.cli.daily.editor import edit_text  # only here: what reads YAML costs every other verb its time

    return each(invocation, refs, lambda ref: edit_text(invocation, ref), _printer("changed"))


@click.command(cls=CliCommand)
@REFS
@REASON
@FORCE
@pass_invocation
def done(invocation: Invocation, /, refs: tuple[str, ...], **how: Any) -> int:
    """Complete work items, and show which items became ready because of it. A text after them says what was done.

    As in: done w-7k3qd "released with 1.2".
    """
    refs, how["reason"] = _with_reason(invocation, refs, how["reason"])
    return _update(invocation, refs, lambda _: {"status": "completed", **how}, "done")


@click.command(cls=CliCommand)
@REFS
@REASON
@FORCE
@pass_invocation
def drop(invocation: Invocation, /, refs: tuple[str, ...], **how: Any) -> int:
    """Say that work items will not be done, and why, as in: drop w-7k3qd "no customer asks for it".

    They are finished, but not completed: what waited for them can begin. `unblock` makes them active again.
    """
    refs, how["reason"] = _with_reason(invocation, refs, how["reason"])
    return _update(invocation, refs, lambda _: {"status": "dropped", **how}, "dropped")


@click.command(cls=CliCommand)
@REFS
@click.option("--minutes", type=click.IntRange(min=1), help="Length of the claim (default: the ledger's setting).")
@click.option("--token", help="Distinguishes workers of the same name (default: LEDGER_TOKEN).")
@pass_invocation
def start(invocation: Invocation, /, refs: tuple[str, ...], **how: Any) -> int:
    """Claim work items, so that other workers leave them to you."""
    return each(invocation, refs, lambda ref: _claim(invocation, "claim", ref, **how), _print_claim)


@click.command(cls=CliCommand)
@REFS
@click.option("--token", help="The token it was claimed with.")
@pass_invocation
def stop(invocation: Invocation, /, refs: tuple[str, ...], **how: Any) -> int:
    """Give claimed work items back, so that they can be claimed again."""
    return each(invocation, refs, lambda ref: _claim(invocation, "release", ref, **how), _printer("given back"))


@click.command(cls=CliCommand)
@REFS
@click.option("--by", "blockers", multiple=True, type=REF, help="The item that has to be done first.")
@REASON
@FORCE
@pass_invocation
def block(invocation: Invocation, /, refs: tuple[str, ...], blockers: tuple[str, ...], **how: Any) -> int:
    """Mark work items as blocked for a reason, or by another item until that is done.

    As in: block w-7k3qd "no license", or: block w-7k3qd --by w-b2m4x.
    """
    refs, how["reason"] = _with_reason(invocation, refs, how["reason"])
    if blockers:
        if how["reason"]:
            raise click.UsageError("give --by for another item or --reason for anything else, not both")
        return each(
            invocation,
            refs,
            lambda ref: _blocked(invocation, ref, blockers, None),
            _printer("blocked"),
        )
    if not how["reason"]:
        raise exits.Incomplete(
            "name what blocks it: --by REF for another item, --reason TEXT for anything else",
            f"block {' '.join(refs[:1])} --reason TEXT",
        )
    return _update(invocation, refs, lambda _: {"status": "blocked", **how}, "blocked")


@click.command(cls=CliCommand)
@REFS
@click.option("--by", "blockers", multiple=True, type=REF, help="Remove the link from this item, which blocks it.")
@REASON
@FORCE
@pass_invocation
def unblock(invocation: Invocation, /, refs: tuple[str, ...], blockers: tuple[str, ...], **how: Any) -> int:
    """Make blocked or finished work items active again, or remove the link to what blocks them."""
    refs, how["reason"] = _with_reason(invocation, refs, how["reason"])
    if blockers:
        if how["reason"]:
            raise click.UsageError("a link is removed without a reason: leave out --reason, or --by")
        return each(
            invocation,
            refs,
            lambda ref: _blocked(invocation, ref, blockers, True),
            _printer("unblocked"),
        )
    return _update(invocation, refs, lambda _: {"status": "active", **how}, "active")


@click.command(cls=CliCommand)
@REFS
@click.option("--below", "parent", type=REF, help="The item that it becomes a part of.")
@click.option("--top", is_flag=True, help="To the top level, below no other item.")
@pass_invocation
def move(invocation: Invocation, /, refs: tuple[str, ...], parent: str | None, top: bool) -> int:
    """Move work items below another one, or to the top. To move a ledger: `tracking-ledger ledgers move`."""
    if parent is None and not top and len(refs) > 1 and refs[-1] == "top":
        refs, top = refs[:-1], True
    if (parent is None) != top:
        *moved, last = refs
        line = f"move {' '.join(moved)} --below {last}" if moved else f"move {last} --top"
        raise exits.Incomplete("say where to: --below REF, or --top", line)
    change = {"clear": ["parent_id"]} if top else {"parent_id": parent}
    return _update(invocation, refs, lambda _: change, "moved")


@click.command(cls=CliCommand)
@REFS
@click.option("--cascade", is_flag=True, default=None, help="Also delete everything below.")
@FORCE
@REASON
@pass_invocation
def delete(invocation: Invocation, /, refs: tuple[str, ...], **how: Any) -> int:
    """Delete work items. They stay in the history, and `undo` brings them back."""
    refs, how["reason"] = _with_reason(invocation, refs, how["reason"])
    return _update(invocation, refs, lambda _: {"deleted": True, **how}, "deleted")


def _with_reason(
    invocation: Invocation, refs: tuple[str, ...], reason: str | None
) -> tuple[tuple[str, ...], str | None]:
    """Words behind the references are the reason, a single word where no item is known by it."""
    *named, last = refs
    if not named or reason or not (" " in last or (last.isalpha() and not _is_known(invocation, last))):
        return refs, reason
    return tuple(named), last


def _is_known(invocation: Invocation, ref: str) -> bool:
    try:
        perform(invocation, "query_work_item", id=ref)
    except (Invalid, NotFound):
        return False
    return True


def _update(invocation: Invocation, refs: tuple[str, ...], change: Callable[[Answered], Answered], word: str) -> int:
    """Changes each item at the version that is read just before."""

    def act(ref: str) -> Answered:
        item = perform(invocation, "query_work_item", id=ref)
        changes = change(item)
        answered = perform(invocation, "update_work_item", id=item["id"], version=item["version"], **changes)
        return {**answered, "title": changes.get("title") or item["title"]}

    return each(invocation, refs, act, _printer(word))


def _claim(invocation: Invocation, action: str, ref: str, **how: Any) -> Answered:
    return perform(invocation, "claim_work_item", action=action, id=ref, **how)


def linked(invocation: Invocation, ref: str, kind: str, other: str, remove: bool | None) -> Answered:
    return perform(invocation, "link_work_items", id=ref, kind=kind, to_id=other, remove=remove)


def _blocked(invocation: Invocation, ref: str, blockers: tuple[str, ...], remove: bool | None) -> Answered:
    item = perform(invocation, "query_work_item", id=ref)
    if len(blockers) == 1:
        answered = linked(invocation, blockers[0], "blocks", item["id"], remove)
    else:
        links = ({"op": "link", "id": one, "kind": "blocks", "to_id": item["id"], "remove": remove} for one in blockers)
        done = perform_at_once(invocation, [TypedChange(link, f"--by {link['id']}") for link in links])
        answered = {name: value for name, value in done.items() if name != "results"}
        answered |= {"unchanged": True} if done["outcome"] == "unchanged" else {}
    return {**answered, "ref": item["ref"], "title": item["title"]}


def _printer(word: str) -> Callable[[Answered], None]:
    def show(answered: Answered) -> None:
        outcome = "nothing to change" if answered.get("unchanged") else word
        if "waits_for" in answered:
            outcome = f"waits for a review by {printable(answered['waits_for'])}"
        say("  ".join([answered["ref"], outcome, *([printable(answered["title"])] if "title" in answered else [])]))
        if answered.get("next_item"):
            item = answered["next_item"]
            when = f", due {planned(item['due'])}" if "due" in item else ""
            remark(f"it comes again: {item['ref']}{when}")
        remark_ready(answered)

    return show


def _print_claim(answered: Answered) -> None:
    say(f"{answered['ref']}  started  {printable(answered['title'])}")
    if "until" in answered:
        remark(f"yours until {moment(answered['until'])} UTC")


def person(invocation: Invocation, name: str | None) -> str | None:
    """A name that was typed; `me` is who acts."""
    return invocation.actor if name == ME else name


def _lowered(tags: tuple[str, ...]) -> list[str]:
    return [tag.strip().lower() for tag in tags]
