"""A history that has a bit of everything, made of commands: every ledger that executes them ends up the same."""

from uuid import uuid4

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.conflict.events import CommandFulfilled, ConflictFound, Met
from ledger.aggregates.deployment.commands import AmendDeployment, RecordDeployment
from ledger.aggregates.enhancement.commands import RecordEnhancement, UpdateEnhancement
from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.work_item.commands import AskQuestion, CreateWorkItem, LinkWorkItems, UpdateWorkItem
from ledger.annotation.commands import LogEffort
from ledger.envelope import Command, configuration_id, stream_id
from ledger.postgres.connection.database import Database
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres, proposal

PROJECT, SESSION, TASK, SUBTASK, LEAF, RESEARCH, GONE, DONE, BLOCKED, UNKNOWN = map(numbered, range(10))
ACME, ZEBRA, UMLAUT = map(numbered, range(20, 23))
FIRST, SECOND, AGAIN, UNDATED = map(numbered, range(30, 34))
SOON, LATER, DROPPED = map(numbered, range(40, 43))
VERSION_1, WEEKLY = map(numbered, range(60, 62))
MET, MET_TOO = map(numbered, range(50, 52))
COMMIT = "84b0fb4c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60"
SESSION_DATA = {"token_budget": 200_000, "prompts_count": 3, "yaml_frontmatter": {"schema_version": 1}}


def filled(database: Database) -> Ledger:
    """A new ledger in which a bit of everything happened."""
    ledger = on_postgres(database, uuid4())
    fill(ledger)
    return ledger


def fill(ledger: Ledger) -> None:
    for number, command in enumerate(_commands(configuration_id(ledger.store.ledger))):
        ledger.execute(number, command, by="ada" if number % 3 else "Béla")
    _meet(ledger)


def _meet(ledger: Ledger) -> None:
    """Two queued commands as a drain records them: one met a change of another, one found nothing to do."""
    command = UpdateWorkItem(id=TASK, expected=1, fields={"title": "pear"})
    found = ConflictFound(
        command="UpdateWorkItem",
        schema=1,
        arguments={"id": TASK, "expected": 1, "fields": {"title": "pear"}},
        about=(stream_id("work_item", TASK),),
        met=(Met(stream=stream_id("work_item", TASK), field="title", base="Apple", mine="pear", now="apple"),),
    )
    done = CommandFulfilled(command="UpdateWorkItem")
    for number, (entity_id, fact) in enumerate(((MET, found), (MET_TOO, done)), start=900):
        ledger.store.append(proposal(ledger.store, command, (stream_id("conflict", entity_id), 1, fact), number=number))


def _commands(configuration: str) -> list[Command]:
    item = CreateWorkItem
    return [
        item(id=PROJECT, item_type="project", title="Zebra crossing", description="The whole", tags=("a", "b")),
        item(id=SESSION, item_type="session", title="Ärger 🙂", parent_id=PROJECT, metadata=SESSION_DATA, priority=1),
        item(id=TASK, item_type="task", title="apple", parent_id=SESSION, priority=2, tags=("b",), assignee="ada"),
        item(id=SUBTASK, item_type="task", title="Apple", parent_id=TASK, priority=None, branch_name="x/y"),
        item(
            id=LEAF, item_type="task", title="\u0130stanbul", parent_id=SUBTASK, metadata={"ratio": 0.25, "big": 1e20}
        ),
        item(id=RESEARCH, item_type="research", title="Why", tags=("ü",), priority=5),
        item(id=GONE, item_type="task", title="A mistake", parent_id=PROJECT),
        item(id=DONE, item_type="task", title="Done before", parent_id=TASK),
        item(id=BLOCKED, item_type="task", title="Waits", priority=1),
        LinkWorkItems(id=DONE, kind="blocks", to_id=BLOCKED),
        LinkWorkItems(id=RESEARCH, kind="blocks", to_id=BLOCKED, note="first"),
        LinkWorkItems(id=BLOCKED, kind="depends_on", to_id=LEAF),
        LinkWorkItems(id=TASK, kind="relates_to", to_id=RESEARCH),
        LinkWorkItems(id=LEAF, kind="discovered_from", to_id=SESSION),
        UpdateWorkItem(id=GONE, expected=1, deleted=True),
        UpdateWorkItem(id=DONE, expected=2, status="completed"),
        UpdateWorkItem(id=BLOCKED, expected=1, status="blocked", reason="nobody knows"),
        UpdateWorkItem(id=RESEARCH, expected=2, parent_id=PROJECT, fields={"notes": "moved", "tags": ["ü", "a"]}),
        CreateVendor(id=ACME, name="Acme", status="operational", format_support={"csv": True, "pdf": True}),
        CreateVendor(id=ZEBRA, name="zebra Ltd"),
        CreateVendor(id=UMLAUT, name="Österreich GmbH", format_support={"csv": True}, metadata={"a": {"b": [1, 2.5]}}),
        RecordDeployment(
            id=FIRST,
            deployed_at="2026-11-20T10:00:00.000000Z",
            commit_hash=COMMIT,
            pr_number=7,
            pr_title="One",
            environment="production",
            vendor_ids=(ACME, UMLAUT),
            work_item_ids=(TASK, LEAF),
            test_summary={"passed": 3},
        ),
        RecordDeployment(
            id=SECOND,
            deployed_at="2026-11-21T10:00:00.000000Z",
            commit_hash="84b0fb4",
            pr_number=8,
            environment="staging",
            vendor_ids=(ACME,),
            constitutional_compliance=True,
        ),
        RecordDeployment(
            id=AGAIN,
            deployed_at="2026-11-21T10:00:00.000000Z",
            commit_hash=COMMIT,
            pr_number=7,
            environment="production",
            redeployment=True,
        ),
        RecordDeployment(id=UNDATED, pr_number=9),
        AmendDeployment(id=SECOND, expected=1, fields={"pr_title": "Two", "work_item_ids": [TASK]}),
        UpdateVendor(id=ACME, expected=1, test_results=TestResults(passing=3, total=4, skipped=1), deployment_id=FIRST),
        UpdateVendor(id=ZEBRA, expected=1, fields={"status": "operational", "extractor_version": "1.2.3"}),
        RecordEnhancement(id=SOON, title="Soon", description="d", priority=1, target_quarter="2027-Q1"),
        RecordEnhancement(id=LATER, title="Later", description="d", depends_on=(SOON,), principles=("I",)),
        RecordEnhancement(id=DROPPED, title="Never", description="d", priority=2),
        UpdateEnhancement(id=SOON, expected=1, status="approved"),
        UpdateEnhancement(id=DROPPED, expected=1, status="dropped"),
        ChangeConfiguration(
            id=configuration, expected=0, fields={"depth_limit": 7, "currency": "EUR", "current_session_id": SESSION}
        ),
        AskQuestion(id=LEAF, whom="lead", text="Which?", choices=("one", "two")),
        ChangeConfiguration(id=configuration, expected=1, fields={"states": [{"name": "qa", "category": "review"}]}),
        item(id=VERSION_1, item_type="milestone", title="Version 1", due="2026-12-31"),
        item(
            id=WEEKLY,
            item_type="task",
            title="Weekly",
            due="2026-11-20",
            not_before="2026-11-18T09:00:00.000000Z",
            estimate=90,
            milestone_id=VERSION_1,
            recurrence="every week",
        ),
        LogEffort(category="work_item", id=WEEKLY, entry_id="e1", minutes=30, cost_micros=250_000, note="thought"),
        UpdateWorkItem(id=WEEKLY, expected=1, status="qa"),
        UpdateWorkItem(id=WEEKLY, expected=3, status="completed"),
        LinkWorkItems(id=DONE, kind="implements", to_id=SOON),
    ]
