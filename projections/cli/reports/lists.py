"""`vendors` and `deployments`: the newest of them, in columns that fit the terminal."""

from typing import Any

import click

from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, moment, printable, remark, table
from projections.cli.terminal.parameters.points import POINT
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Entity


@click.command(cls=CliCommand)
@click.option("--status", type=click.Choice(["operational", "broken"]), help="Only vendors with this status.")
@click.option(
    "--broke-since", type=POINT, help="Only those that broke after a deployment, a position or a time (2026-11-20, 3d)."
)
@click.option("--limit", type=click.IntRange(1, 100), default=100, show_default=True, help="At most this many.")
@pass_invocation
def vendors(invocation: Invocation, status: str | None, broke_since: str | None, limit: int) -> None:
    """The vendors and their status."""
    arguments = {"limit": limit, "status": status, "broke_since": broke_since}
    given = {name: value for name, value in arguments.items() if value is not None}
    answered = OPERATIONS["query_vendor_status"].perform(invocation.app, given)
    if invocation.as_json:
        answer_json(answered)
        return
    if broke_since is not None:
        _print_broken(answered["items"])
        return
    table(
        ("ref", "name", "status", "version", "tests", "formats", "manifest"),
        (
            (
                vendor["ref"],
                vendor.get("name"),
                vendor.get("status"),
                vendor.get("extractor_version"),
                _tests(vendor.get("test_results")),
                [name for name, supported in (vendor.get("format_support") or {}).items() if supported],
                vendor.get("manifest_compliant"),
            )
            for vendor in answered["items"]
        ),
    )
    _remark_rest(answered, "vendors", given, "call create_vendor name=NAME")


@click.command(cls=CliCommand)
@click.option("--from", "earliest", metavar="TIME", help="Deployed at this time or later.")
@click.option("--to", "latest", metavar="TIME", help="Deployed at this time or earlier.")
@click.option("--vendor", metavar="NAME", help="Only for this vendor.")
@click.option("--work-item", type=REF, help="Only for this work item.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most this many.")
@pass_invocation
def deployments(
    invocation: Invocation,
    earliest: str | None,
    latest: str | None,
    vendor: str | None,
    work_item: str | None,
    limit: int,
) -> None:
    """What was deployed, the newest first."""
    arguments = {"from": earliest, "to": latest, "vendor": vendor, "work_item": work_item, "limit": limit}
    given = {name: value for name, value in arguments.items() if value is not None}
    answered = OPERATIONS["query_deployments"].perform(invocation.app, given)
    if invocation.as_json:
        answer_json(answered)
        return
    columns = ("ref", "deployed_at", "pr_number", "pr_title", "commit_hash", "environment", "constitutional_compliance")
    table(
        ("ref", "deployed (UTC)", "PR", "title", "commit", "environment", "compliant"),
        ([_deployment_cell(name, item.get(name)) for name in columns] for item in answered["items"]),
    )
    _remark_rest(answered, "deployments", given, "call record_deployment pr_title=TITLE")


def _print_broken(items: list[Entity]) -> None:
    table(
        ("ref", "name", "status", "broke (UTC)", "by", "deployment", "last good version"),
        (
            (
                item["ref"],
                item["name"],
                item["status"],
                moment(item["broke_at"]),
                item["by"],
                _deployment(item["deployment"]),
                (item["last_good"] or {}).get("extractor_version"),
            )
            for item in items
        ),
    )
    if not items:
        remark("no vendor broke since")


def _deployment(named: Entity | None) -> str | None:
    """Its reference, and its pull request as far as that is known."""
    if named is None:
        return None
    number = None if named["pr_number"] is None else f"#{named['pr_number']}"
    return " ".join(filter(None, [named["ref"], number, named["pr_title"]]))


def _deployment_cell(name: str, value: Any) -> object:
    if name == "deployed_at":
        return moment(value)
    return value[:7] if name == "commit_hash" and value else value


def _tests(results: Entity | None) -> str | None:
    if not results:
        return None
    skipped = f", {results['skipped']} skipped" if results.get("skipped") else ""
    return f"{printable(results.get('passing'))} of {printable(results.get('total'))}{skipped}"


def _remark_rest(answered: Entity, what: str, given: Entity, first: str) -> None:
    """What is not shown; where there is nothing, whether there is none at all, and what records the first."""
    if not answered["items"]:
        narrowed = given.keys() - {"limit"}
        remark(f"no {what} like that" if narrowed else f"no {what} yet; record one: tracking-ledger {first}")
    if answered["has_more"]:
        remark(f"{answered['returned']} of {answered['total_count']}; the rest with --limit, or `tracking-ledger call`")
