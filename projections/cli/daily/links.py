"""`link`: how work items hang together, in this ledger and with those of another one."""

import shlex
from typing import Any

import click

from ledger.aggregates.work_item.state import IMPLEMENTS, LINK_KINDS
from ledger.errors import NoLedger, NotFound
from projections.application.known_projects import KnownProject
from projections.cli.daily.items import linked
from projections.cli.daily.shared.calls import perform
from projections.cli.terminal import every_ledger, exits
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, remark_ready, say
from projections.operations.work.attachments import ELSEWHERE

LONGEST_NAME = 200  # characters of an attachment's name
KINDS = tuple(kind.replace("_", "-") for kind in (*LINK_KINDS[:1], "depends_on", *LINK_KINDS[1:], IMPLEMENTS))
WORDS = {
    **dict.fromkeys(("block", "blocking"), "blocks"),
    **dict.fromkeys(("needs", "need", "depends", "requires", "after", "blocked-by"), "depends-on"),
    **dict.fromkeys(("relates", "related", "related-to"), "relates-to"),
    **dict.fromkeys(("discovered", "from"), "discovered-from"),
    **dict.fromkeys(("implement", "carries-out"), "implements"),
    **dict.fromkeys(("duplicate", "duplicate-of", "dup"), "duplicates"),
}


class KindOfLink(click.Choice[str]):
    """A kind of link, in the words that people have for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value).casefold().replace("_", "-")
        kind = WORDS.get(word, word)
        if kind not in self.choices:
            ref, allowed = ctx.params.get("ref", "REF") if ctx else "REF", ", ".join(self.choices)
            if ELSEWHERE.fullmatch(str(value)):
                line = f"attach {ref} {shlex.quote(str(value))}"
                raise exits.Incomplete("link connects two work items; to add a URL to one, attach it", line)
            raise exits.Incomplete(f"{value!a} is no kind of link: they are {allowed}", f"link {ref} blocks OTHER")
        return kind


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.argument("kind", metavar="KIND", type=KindOfLink(KINDS))
@click.argument("other", type=REF, metavar="OTHER")
@click.option(
    "--in", "ledger", metavar="LEDGER", help="The ledger of OTHER, if another one of yours: its name, folder or id."
)
@click.option("--remove", is_flag=True, default=None, help="Remove the link.")
@pass_invocation
def link(invocation: Invocation, /, ref: str, kind: str, other: str, ledger: str | None, remove: bool | None) -> int:
    """Link two work items, as in: link w-7k3qd blocks w-b2m4x.

    KIND is blocks, depends-on (or needs), relates-to, discovered-from, duplicates or implements. The link does not
    finish a duplicate: drop it, or complete it. With implements, OTHER is an enhancement, like e-7k3qd, that the
    item carries out.

    With --in, OTHER is an item of another ledger, and KIND is relates-to. The link is kept as an attachment with
    both ids and the title of today, so it can be read even if the other ledger cannot.
    """
    if ledger is not None:
        if kind != "relates-to":
            raise click.UsageError("an item of another ledger cannot block one in this ledger: use relates-to")
        return _link_elsewhere(invocation, ref, other, ledger, remove=bool(remove))
    target = {"id": other, "ref": other} if kind == "implements" else perform(invocation, "query_work_item", id=other)
    answered = linked(invocation, ref, kind.replace("-", "_"), target["id"], remove)
    if invocation.as_json:
        answer_json(answered)
    else:
        relation = f"{'no longer ' if remove else ''}{kind.replace('-', ' ')}"
        if answered.get("unchanged"):
            relation = f"nothing to change: {'it has no link' if remove else 'already'} {kind.replace('-', ' ')}"
        say("  ".join(printable(part) for part in (ref, relation, target["ref"], *filter(None, [target.get("title")]))))
        remark_ready(answered)
        if not remove and "dropped_states" in answered:
            remark(f"it can still be begun: tracking-ledger drop {ref}")
    return exits.of_answer(answered)


def _link_elsewhere(invocation: Invocation, ref: str, other: str, ledger: str, *, remove: bool) -> int:
    project = every_ledger.find(invocation, ledger)
    url, title = _attached(invocation, ref, other, project) if remove else _there(invocation, other, project)
    arguments = {"remove": True} if remove else {"name": title[:LONGEST_NAME]}
    answered = perform(invocation, "attach", id=ref, url=url, **arguments)
    if invocation.as_json:
        answer_json({**answered, "url": url})
    else:
        say(f"{answered['ref']}  {'no longer ' if remove else ''}relates to  {printable(title)}")
    return exits.of_answer(answered)


def _there(invocation: Invocation, other: str, project: KnownProject) -> tuple[str, str]:
    """The address and the name of another ledger's item."""
    try:
        item = every_ledger.ask(invocation, project, "query_work_item", {"id": other})
    except NotFound as missing:
        if isinstance(missing, NoLedger):
            raise
        raise NotFound(
            f"there is no work item {other} in {project.name}",
            next_step="`tracking-ledger search WORDS --all` finds it by its words",
            id=other,
        ) from missing
    return f"ledger:{project.key}/{item['id']}", f"{item['ref']} in {project.name}: {item['title']}"


def _attached(invocation: Invocation, ref: str, other: str, project: KnownProject) -> tuple[str, str]:
    """The same of one that is linked; the other ledger is not asked, and may have had another name then."""
    for one in perform(invocation, "query_work_item", id=ref).get("attachments", ()):
        url, title = str(one["url"]), str(one.get("name", ""))
        if url.startswith(f"ledger:{project.key}/") and title.startswith(f"{other} in "):
            return url, title
    raise NotFound(
        f"{ref} is not linked to {other} in {project.name}",
        next_step=f"`tracking-ledger show {ref}` lists what is attached",
        id=other,
    )
