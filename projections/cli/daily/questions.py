"""The commands `ask`, `answer` and `needs-me`: an item waits for a person or a role, and goes on with the answer."""

from typing import Any

import click

from projections.cli.terminal import every_ledger, exits
from projections.cli.terminal.completions import PERSON, REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, planned, printable, remark, remark_ready, say, table
from projections.operations.catalog import OPERATIONS
from projections.questions.pages import counted

NEXT = {  # what to type, by the kind of what waits
    "review": "review: tracking-ledger answer REF --approve, or --refuse with the reason",
    "question": "answer: tracking-ledger answer REF TEXT or one of the choices; --approve, --refuse with the reason",
    "conflict": "decide a conflict: tracking-ledger resolve REF",
    "refused": "go on with it: tracking-ledger start REF; then ask again: tracking-ledger done REF, or ask REF",
    "expired_claim": "go on with it: tracking-ledger start REF; give it back: tracking-ledger stop REF",
    "blocks": "complete it: tracking-ledger done REF",
    "due": "complete it: tracking-ledger done REF; later: tracking-ledger edit REF --due WHEN",
}


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.argument("whom", type=PERSON)
@click.argument("text", nargs=-1, required=True)
@click.option("--choice", "choices", multiple=True, help="An answer to choose; give it once for each.")
@pass_invocation
def ask(invocation: Invocation, ref: str, whom: str, text: tuple[str, ...], choices: tuple[str, ...]) -> int:
    """Let the work item REF wait until WHOM, a person or a role, has answered TEXT."""
    given = {"choices": list(choices)} if choices else {}
    asked = {"id": ref, "action": "ask", "whom": whom, "text": " ".join(text), **given}
    return _perform(invocation, asked, f"waits for {whom}")


@click.command(cls=CliCommand)
@click.argument("ref", type=REF)
@click.argument("text", nargs=-1)
@click.option("--approve", "verdict", flag_value="approve", help="Yes, it is approved.")
@click.option("--refuse", "verdict", flag_value="refuse", help="No. The item goes back to its holder; TEXT says why.")
@click.option("--choose", "choice", metavar="CHOICE", help="One of the choices that were asked for.")
@click.option("--withdraw", is_flag=True, help="Withdraw your question instead.")
@pass_invocation
def answer(
    invocation: Invocation, ref: str, text: tuple[str, ...], verdict: str | None, choice: str | None, withdraw: bool
) -> int:
    """Answer what the work item REF waits for, so that it goes on."""
    given = {"text": " ".join(text) or None, "verdict": verdict, "choice": choice}
    arguments = {name: value for name, value in given.items() if value is not None}
    action, word = ("withdraw", "question taken back") if withdraw else ("answer", "answered")
    return _perform(invocation, {"id": ref, "action": action, **arguments}, word)


@click.command("needs-me", cls=CliCommand)
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many.")
@every_ledger.OPTION
@pass_invocation
def needs_me(invocation: Invocation, /, limit: int, **options: Any) -> None:
    """What waits for you: questions to you or your roles, conflicts, claims that ended, work that
    blocks others or is due."""
    if options["every_ledger"]:
        _needs_everywhere(invocation, limit)
        return
    answered = OPERATIONS["needs_me"].perform(invocation.app, {"limit": limit})
    if invocation.as_json:
        answer_json(answered)
        return
    items = answered["items"]
    rows = ((item["ref"], item["kind"].replace("_", " "), item["title"], _why(item)) for item in items)
    table(("ref", "kind", "title", "why"), rows, cut=("title",))
    if not items:
        remark("nothing waits for you; what you can start: tracking-ledger ready")
    for step in dict.fromkeys(NEXT[item["kind"]] for item in items):
        remark(step)
    if answered["has_more"]:
        remark(f"{answered['returned']} of {counted(answered)}; more: tracking-ledger needs-me --limit 100")


def _needs_everywhere(invocation: Invocation, limit: int) -> None:
    found = every_ledger.everywhere(invocation, "needs_me", {"limit": limit}, limit)
    if invocation.as_json:
        found.as_json()
    else:
        found.show(
            ("ref", "kind", "title", "why"),
            lambda item: (item["ref"], item["kind"].replace("_", " "), item["title"], _why(item)),
        )


def _why(item: dict[str, Any]) -> str:
    match item["kind"]:
        case "review" | "question":
            choices = f" ({', '.join(item['choices'])})" if "choices" in item else ""
            return f"{item['by']} asks: {item['question']}{choices}"
        case "conflict":
            return f"of {item['by']}, about {', '.join(item['about'])}"
        case "refused":
            return f"{item['by']} refused: {item['reason']}"
        case "expired_claim":
            return f"your claim ended {moment(item['since'])} UTC"
        case "due":
            return f"due {planned(item['due'])}"
        case _:
            others = len(item["blocks"]) < item["blocks_count"]
            named = ", ".join(f"{other['ref']} {other['title']}" for other in item["blocks"])
            return f"you hold it, and it blocks {named}{', ...' if others else ''}"


def _perform(invocation: Invocation, arguments: dict[str, Any], word: str) -> int:
    answered = OPERATIONS["question"].perform(invocation.app, arguments)
    if invocation.as_json:
        answer_json(answered)
    else:
        holder = f", with {answered['holder']}" if "holder" in answered else ""
        now = f"  now {answered['status']}{holder}" if "status" in answered else ""
        say(printable(f"{answered['ref']}  {word}{now}"))
        remark_ready(answered)
    return exits.of_answer(answered)
