"""`sync github`: keep a repository's issues and the work items of the ledger the same."""

from collections.abc import Callable
from time import sleep as pause
from typing import Any

import click

from ledger.errors import LedgerError
from ledger.settings import POLICIES
from projections.cli.terminal import exits
from projections.cli.terminal.interruption import Interruption
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import (
    answer_json,
    fields,
    heading,
    printable,
    remark,
    remark_ready,
    table,
    working,
)

NOT_ALONE = "not_alone"  # the rule of a refusal while another process synchronises
EVERY = 60.0  # seconds between two runs of --watch
EXAMPLES = 5  # of each finding
KINDS = {
    "assignee_not_on_github": "cannot be assigned to them on GitHub: not sent",
    "cycle_here": "items would wait for themselves, or lie below a deleted one: not taken",
    "comment_deleted_there": "comments that were deleted on GitHub: they stay here",
    "declined_there": "GitHub declined it",
    "deleted_here": "items that are deleted here: the issue stays as it is",
    "empty_for_github": "empty, which GitHub does not take: not sent",
    "gone_there": "issues that are gone on GitHub: the item stays here",
    "left_out_there": "GitHub took it and did not do it: may the token's owner set it?",
    "locked_there": "locked on GitHub: not sent",
    "milestone_of_another_source": "of a milestone that came from elsewhere, or has the title of another one: not sent",
    "sent_elsewhere": "another machine is sending it: not sent twice, and looked at by the next run",
    "too_long_for_github": "longer than GitHub takes: not sent",
}


@click.command(cls=CliCommand)
@click.argument("repository", metavar="OWNER/REPO")
@click.option("--pull", is_flag=True, help="Only take what changed on GitHub.")
@click.option("--push", is_flag=True, help="Only send what changed here.")
@click.option("--dry-run", is_flag=True, help="Show what would happen, and change nothing on either side.")
@click.option("--full", is_flag=True, help="Read all issues again, also those that have not changed.")
@click.option(
    "--only", multiple=True, metavar="NAME=VALUE", help="Only issues and items that match: label=, assignee=, state=."
)
@click.option("--conflicts", type=click.Choice(POLICIES), help="Whose value counts where both changed a field.")
@click.option("--watch", is_flag=True, help="Do it once a minute, until Ctrl-C.")
@click.option("--api-url", metavar="URL", help="The API of GitHub Enterprise: https://HOSTNAME/api/v3.")
@pass_invocation
def github(
    invocation: Invocation,
    repository: str,
    pull: bool,
    push: bool,
    dry_run: bool,
    full: bool,
    only: tuple[str, ...],
    conflicts: Any,
    watch: bool,
    api_url: str | None,
) -> int:
    """Keep the issues of OWNER/REPO on GitHub and the work items of this ledger the same.

    What changed there is recorded here, and what changed here is sent there, field by field. A field that changed
    on both sides is a conflict: `conflicts` shows it and `resolve` decides it. The token is GITHUB_TOKEN, GH_TOKEN
    or that of `gh`. If it is interrupted, run it again: it continues where it stopped. Exit code 8 if there are
    conflicts, or if something could not be exchanged.
    """
    # imported only here: no other command needs a client of HTTP
    from projections.transfer.github.rules.filters import filter_of
    from projections.transfer.github.run import Synchronisation
    from projections.transfer.github.terms import Terms

    terms = Terms(
        pull=pull or not push,
        push=push or not pull,
        dry_run=dry_run,
        full=full,
        policy=conflicts or invocation.settings.github_conflicts,
        only=filter_of(only),
        by=invocation.by,
    )
    wanted = Synchronisation(repository=repository, url=api_url, terms=terms)

    def exchange() -> dict[str, Any]:
        with working(f"exchanging with {repository}"):
            return wanted.run(invocation.app)

    return _watched(invocation, exchange) if watch else _reported(invocation, exchange())


def _watched(invocation: Invocation, exchange: Callable[[], dict[str, Any]]) -> int:
    """Tells of what happened, and goes on when something was away. An interruption is how it ends."""
    code, seconds = exits.DONE, EVERY
    with Interruption() as interruption:
        while True:
            try:
                report, seconds = exchange(), EVERY
                if report["events"] or report["requests"]["writes"] or report["conflicts"] or report["findings"]:
                    code = _reported(invocation, report)
            except LedgerError as error:
                if not (error.retryable or error.details.get("rule") == NOT_ALONE):
                    raise
                remark(f"waiting: {printable(error.message)}", style="yellow")
                seconds = max(EVERY, error.details.get("retry_after", EVERY))
            interruption.check()
            pause(seconds)
    return code


def _reported(invocation: Invocation, report: dict[str, Any]) -> int:
    if invocation.as_json:
        answer_json(report)
    else:
        _show(report)
    return exits.DIFFERENCE if report["conflicts"] or report["findings"] else exits.DONE


def _show(report: dict[str, Any]) -> None:
    fields(
        [
            ("repository", report["repository"]),
            ("taken", _counts(report["pulled"])),
            ("sent", _counts(report["pushed"])),
            ("events", report["events"]),
            ("requests", f"{report['requests']['total']}, {report['requests']['writes']} of them writes"),
        ]
    )
    remark_ready(report)
    if report["findings"]:
        heading("Not exchanged")
        table(
            ("", "what", "where"),
            (
                (
                    found["count"],
                    KINDS.get(found["kind"], found["kind"]),
                    printable("; ".join(found["where"][:EXAMPLES])),
                )
                for found in report["findings"]
            ),
        )
    if report["conflicts"]:
        remark(f"changed on both sides: {', '.join(report['conflicts'])}", style="yellow")
        remark("next: tracking-ledger conflicts")
    if report["dry_run"]:
        remark("nothing was changed on either side: a dry run")


def _counts(counts: dict[str, int]) -> str:
    return f"{counts['created']} new, {counts['changed']} changed"
