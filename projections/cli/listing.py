"""`list`: work items by filters, in columns that fit the terminal."""

from typing import Any

import click

from ledger.work_item.state import ITEM_TYPES
from projections.cli.invocation import Command, Invocation, pass_invocation
from projections.cli.items import ME, perform
from projections.cli.output import answer_json, moment, remark, table

Answered = dict[str, Any]
HEADINGS = ("ref", "title", "type", "status", "prio", "for", "held by", "changed (UTC)")


@click.command("list", cls=Command)
@click.argument("words", nargs=-1)
@click.option("--type", "item_type", type=click.Choice(ITEM_TYPES), help="Only this type.")
@click.option("-s", "--status", help="Only in this state; without it whatever is not finished.")
@click.option("-t", "--tag", help="Only with this tag.")
@click.option("-a", "--assignee", metavar="NAME", help="Only theirs; `me` is you.")
@click.option("--mine", is_flag=True, help="Only what is assigned to you or claimed by you.")
@click.option("--parent", "parent_id", metavar="REF", help="Only the parts of this item.")
@click.option("--blocked", is_flag=True, default=None, help="Only what waits for something.")
@click.option("--all", "everything", is_flag=True, help="Finished items too.")
@click.option("--sort", "order", type=click.Choice(["updated", "created", "priority"]), help="(default: priority)")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="At most this many.")
@click.option("--page", type=click.IntRange(min=1), default=1, help="The next ones after so many pages.")
@pass_invocation
def list_(
    invocation: Invocation,
    /,
    words: tuple[str, ...],
    mine: bool,
    everything: bool,
    page: int,
    limit: int,
    **filters: Any,
) -> None:
    """List work items that are not finished, the most important first; with WORDS those that hold them.

    The lines can be handed on: tracking-ledger list --tag docs | tracking-ledger done -
    """
    if mine and filters["assignee"]:
        raise click.UsageError("--mine says whose they are, as --assignee does: name one")
    filters["assignee"] = invocation.actor if filters["assignee"] == ME else filters["assignee"]
    filters |= {"limit": limit, "offset": (page - 1) * limit}
    filters["unfinished"] = None if everything or filters["status"] else True
    filters |= {"text": " ".join(words)} if words else {"order": filters["order"] or "priority"}
    answered = _of_person(invocation, filters) if mine else perform(invocation, "list_work_items", **filters)
    if invocation.as_json:
        answer_json(answered)
        return
    table(HEADINGS, (_line(item) for item in answered["items"]), cut=("title",))
    if not answered["items"]:
        remark("no work items: tracking-ledger add TITLE creates one" if not page > 1 else "no more work items")
    elif answered["has_more"]:
        total = answered["total_count"] or f"more than {answered['total_is_at_least']}"
        remark(f"{answered['returned']} of {total}; more: --page {page + 1}")


def _of_person(invocation: Invocation, filters: Answered) -> Answered:
    """What is assigned to who asks, then what they hold beside that."""
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


def _line(item: Answered) -> tuple[object, ...]:
    claim = item.get("claim") or {}
    return (
        item["ref"],
        item["title"],
        item["item_type"],
        item["status"],
        item.get("priority"),
        item.get("assignee"),
        claim.get("by"),
        moment(item["updated_at"]),
    )
