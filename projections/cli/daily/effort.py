"""The command `effort`: what went into a work item."""

from typing import Any

import click

from projections.cli.daily.shared.calls import perform
from projections.cli.reports.work_report import print_report
from projections.cli.terminal import exits
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, say
from projections.cli.terminal.parameters.dates import Length, PastMoment
from projections.cli.terminal.parameters.texts import LONG_TEXT


@click.command(cls=CliCommand)
@click.argument("ref", type=REF, required=False)
@click.argument("minutes", metavar="TIME", type=Length(), required=False)
@click.option("--tokens", type=click.IntRange(min=1), help="Tokens of a model.")
@click.option("--cost", type=click.FloatRange(min=0), help="Cost in the project's currency, like 1.25.")
@click.option(
    "--on", "happened_at", metavar="WHEN", type=PastMoment(), help="When, if not now: yesterday, fri, 2026-11-20."
)
@click.option("--note", metavar="TEXT|-", type=LONG_TEXT, help="What it went into; - reads it from standard input.")
@pass_invocation
def effort(invocation: Invocation, /, ref: str | None, **spent: Any) -> int:
    """Add effort to the work item REF: TIME, like 90m or 1h30, tokens, cost.

    Without any of these it reports the effort on REF and all below it, or on everything, and who added it.
    """
    if all(value is None for value in spent.values()):
        return print_report(invocation, id=ref)
    answered = perform(invocation, "log_effort", id=ref, **spent)
    if invocation.as_json:
        answer_json(answered)
    else:
        forms = {"minutes": "{} minutes", "tokens": "{} tokens", "cost": "cost {}"}
        amounts = [words.format(spent[name]) for name, words in forms.items() if spent[name]]
        say(f"{answered['ref']}  {', '.join(amounts)} added")
    return exits.of_answer(answered)
