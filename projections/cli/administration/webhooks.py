"""`webhook`: events go to addresses over HTTP, as `serve` or `webhook send` finds them in the log."""

import signal
from typing import Any, get_args

import click

from ledger.aggregates.configuration.state import Template
from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliGroup, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, say, table
from projections.cli.terminal.parameters.event_filters import event_filters
from projections.maintenance.webhooks.sender import Round, WebhookSender, sending
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Entity


@click.group(cls=CliGroup)
def webhook() -> None:
    """Send events to addresses over HTTP, signed, at least once and in order.

    `serve` sends while it runs; `tracking-ledger webhook send` does it without one. The machine where a webhook was
    added sends it.
    """


@webhook.command()
@click.argument("name")
@click.argument("url")
@event_filters
@click.option("--template", type=click.Choice(get_args(Template)), help="What is sent (default: json).")
@click.option("--from", "position", type=click.IntRange(min=0), help="Begin after this position (default: now).")
@pass_invocation
def add(invocation: Invocation, /, **fields: Any) -> int:
    """Send events to URL from now on, and print the secret that signs them: it is not shown again."""
    answered = _perform(invocation, "add", **{name: value for name, value in fields.items() if value not in (None, ())})
    if not invocation.as_json:
        say(answered["secret"])
        remark(
            f"webhook {printable(answered['name'])} begins after position {answered['from_position']};"
            " keep the secret now, it is not shown again"
        )
    return exits.of_answer(answered)


@webhook.command("list")
@pass_invocation
def list_(invocation: Invocation, /) -> None:
    """All webhooks: how far each one is, and what stops it."""
    answered = OPERATIONS["list_webhooks"].perform(invocation.app, {})
    if invocation.as_json:
        answer_json(answered)
        return
    columns = ("name", "state", "host", "template", "kinds", "items", "people", "behind", "why")
    table(columns, ([item.get(column) for column in columns] for item in answered["items"]), cut=("why",))
    if not answered["items"]:
        remark("there is no webhook yet; to add one: tracking-ledger webhook add NAME URL")


@webhook.command()
@click.argument("name")
@pass_invocation
def test(invocation: Invocation, /, name: str) -> int:
    """Send a test message, which is about no event, and show whether it was accepted."""
    answered = _perform(invocation, "test", name=name)
    if not invocation.as_json:
        remark(f"webhook {printable(name)}: {printable(answered['why'])}")
    return exits.DONE if answered["outcome"] == "taken" else exits.DIFFERENCE


@webhook.command()
@click.argument("name")
@pass_invocation
def pause(invocation: Invocation, /, name: str) -> int:
    """Pause a webhook. When it is resumed, it continues where it stopped."""
    return _done(invocation, _perform(invocation, "pause", name=name), f"webhook {printable(name)} is paused")


@webhook.command()
@click.argument("name")
@pass_invocation
def resume(invocation: Invocation, /, name: str) -> int:
    """Resume a webhook that was paused, or parked after failures, at once."""
    return _done(invocation, _perform(invocation, "resume", name=name), f"webhook {printable(name)} goes on")


@webhook.command()
@click.argument("name")
@click.option(
    "--from", "position", type=click.IntRange(min=0), required=True, help="Send the events after this position again."
)
@pass_invocation
def replay(invocation: Invocation, /, name: str, position: int) -> int:
    """Send the events after a position of the log again, with the same message ids."""
    answered = _perform(invocation, "replay", name=name, position=position)
    return _done(invocation, answered, f"webhook {printable(name)} goes on after position {position}")


@webhook.command()
@click.argument("name")
@click.option(
    "--hours", type=click.IntRange(min=0), help="How long the former secret signs messages too (default: 24)."
)
@pass_invocation
def rotate(invocation: Invocation, /, name: str, hours: int | None) -> int:
    """Make a new secret, and print it: it is not shown again. For a while every message is signed with both secrets."""
    answered = _perform(invocation, "rotate", name=name, **({} if hours is None else {"hours": hours}))
    if not invocation.as_json:
        say(answered["secret"])
        until = answered.get("former_signs_until")
        former = f"the former secret signs beside it until {until}" if until else "the former secret signs no more"
        remark(f"webhook {printable(name)} has a new secret, keep it now; {former}")
    return exits.DONE


@webhook.command()
@click.argument("name")
@pass_invocation
def delete(invocation: Invocation, /, name: str) -> int:
    """Delete a webhook with its address, secret and position."""
    return _done(invocation, _perform(invocation, "delete", name=name), f"webhook {printable(name)} is deleted")


@webhook.command()
@click.option("--watch", is_flag=True, help="Go on until stopped, and send new events too.")
@pass_invocation
def send(invocation: Invocation, /, watch: bool) -> int:
    """Send the messages that are due, where no `serve` runs.

    Exit code 8 when a receiver did not accept a message; a later call sends it again when it is due.
    """
    sender = WebhookSender(invocation.app)
    signal.signal(signal.SIGTERM, lambda *_: sender.end())
    if watch:
        sender.run()
        return exits.DONE
    with sending(invocation.app) as alone:
        done = _all_turns(sender) if alone else Round()
    if invocation.as_json:
        answer_json({"taken": done.taken, "failing": done.failing, "sent_by_another": not alone})
    elif not alone:
        remark("another process of this machine is sending: this one has nothing to do")
    else:
        remark(f"messages accepted: {done.taken}; webhooks that fail: {done.failing}")
    return exits.DIFFERENCE if done.failing else exits.DONE


def _all_turns(sender: WebhookSender) -> Round:
    taken = 0
    while True:
        done = sender.once()
        taken += done.taken
        if not done.unfinished:
            return Round(taken=taken, failing=done.failing)


def _perform(invocation: Invocation, action: str, **arguments: Any) -> Entity:
    answered = OPERATIONS["webhook"].perform(invocation.app, {"action": action, **arguments})
    if invocation.as_json:
        answer_json(answered)
    return answered


def _done(invocation: Invocation, answered: Entity, sentence: str) -> int:
    if not invocation.as_json:
        queued = ", once the ledger can be reached" if answered["outcome"] == "queued" else ""
        remark(f"{sentence}{queued}")
    return exits.of_answer(answered)
