"""Deployments: recorded once, linked to what exists, amended as events."""

from typing import Any

from ledger.aggregates.deployment.commands import AmendDeployment, RecordDeployment
from ledger.aggregates.deployment.decider import decider
from ledger.aggregates.deployment.events import DeploymentAmended, DeploymentRecorded
from ledger.aggregates.deployment.state import Deployment
from ledger.envelope import UnknownFact
from ledger.errors import AlreadyRecorded, NotFound, NotUnique, VersionConflict
from ledger.values.revision import Change
from ledger.world import Holder
from tests.support.each import each
from tests.support.given import ENTITY, Given, given, numbered

VENDORS = (numbered(1), numbered(2))
TASKS = (numbered(3), numbered(4))
FIRST = numbered(5)
COMMIT = "84b0fb4c2a1e0d9f8b7a6c5d4e3f2a1b0c9d8e7f"
KEY = f"{COMMIT}:123:production"
FIELDS: dict[str, Any] = {
    "deployed_at": "2026-11-22T15:00:00.000000Z",
    "commit_hash": COMMIT,
    "pr_number": 123,
    "pr_title": "Read scanned invoices",
    "test_summary": {"passed": 45, "failed": 0, "skipped": 2},
    "constitutional_compliance": True,
    "environment": "production",
}
KNOWN = {"vendor": set(VENDORS), "work_item": set(TASKS)}


def deployment(**more: Any) -> Given:
    return given(decider).past(DeploymentRecorded(**FIELDS | more))


def amend(**fields: Any) -> AmendDeployment:
    return AmendDeployment(id=ENTITY, expected=1, fields=fields)


def test_a_deployment_is_recorded_with_everything_it_is_linked_to() -> None:
    fields = FIELDS | {"vendor_ids": VENDORS, "work_item_ids": TASKS, "metadata": {"region": "north"}}

    outcome = given(decider).around(known=KNOWN).when(RecordDeployment(id=ENTITY, **fields))

    outcome.then(DeploymentRecorded(**fields)).then_it_has(**fields, key=KEY).looking_at("existence")


def test_the_same_deployment_again_is_the_first_one() -> None:
    history = given(decider).around(holder={("deployment_key", KEY): Holder(id=FIRST, label=KEY)})

    outcome = history.when(RecordDeployment(id=ENTITY, **FIELDS))

    outcome.then_refused(AlreadyRecorded, id=FIRST, category="deployment")


def test_a_redeployment_is_recorded_and_holds_no_key() -> None:
    history = given(decider).around(holder={("deployment_key", KEY): Holder(id=FIRST, label=KEY)})

    outcome = history.when(RecordDeployment(id=ENTITY, redeployment=True, **FIELDS))

    outcome.then(DeploymentRecorded(redeployment=True, **FIELDS)).then_it_has(key=None)


@each(
    ("changed", "key"),
    [
        ({}, KEY),
        ({"environment": None}, f"{COMMIT}:123:"),
        ({"commit_hash": None}, None),
        ({"pr_number": None}, None),
        ({"redeployment": True}, None),
    ],
)
def test_the_key_is_commit_pull_request_and_environment(changed: dict[str, Any], key: str | None) -> None:
    fields = {name: FIELDS[name] for name in ("commit_hash", "pr_number", "environment")}

    assert Deployment(**fields | changed).key == key


def test_every_unknown_link_is_reported_with_its_field() -> None:
    command = RecordDeployment(id=ENTITY, **FIELDS, vendor_ids=(VENDORS[0], numbered(8)), work_item_ids=(numbered(9),))

    outcome = given(decider).around(known=KNOWN).when(command)

    outcome.then_refused(
        NotFound,
        items=[{"field": "vendor_ids", "id": numbered(8)}, {"field": "work_item_ids", "id": numbered(9)}],
    )


def test_an_amendment_holds_only_what_changed() -> None:
    outcome = deployment().when(amend(pr_title="Read invoices", test_summary={"failed": 1, "skipped": None}))

    outcome.then(
        DeploymentAmended(
            changes={
                "pr_title": Change("Read scanned invoices", "Read invoices"),
                "test_summary.failed": Change(0, 1),
                "test_summary.skipped": Change(old=2),
            }
        )
    )
    outcome.then_it_has(pr_title="Read invoices", test_summary={"passed": 45, "failed": 1})


def test_links_are_amended() -> None:
    history = deployment(vendor_ids=VENDORS[:1]).around(known=KNOWN)

    outcome = history.when(amend(vendor_ids=list(VENDORS), work_item_ids=list(TASKS)))

    outcome.then_it_has(vendor_ids=VENDORS, work_item_ids=TASKS)


def test_new_links_must_lead_somewhere() -> None:
    outcome = deployment().when(amend(vendor_ids=[numbered(8)]))

    outcome.then_refused(NotFound, items=[{"field": "vendor_ids", "id": numbered(8)}])


def test_an_old_link_is_not_questioned_again() -> None:
    history = deployment(vendor_ids=(numbered(8),)).around(known=KNOWN)

    history.when(amend(vendor_ids=[numbered(8), VENDORS[0]])).then_it_has(vendor_ids=(numbered(8), VENDORS[0]))


def test_an_amendment_that_changes_nothing_records_nothing() -> None:
    deployment(vendor_ids=VENDORS).when(amend(pr_number=123, vendor_ids=list(VENDORS))).then_nothing()


def test_a_deployment_cannot_be_amended_into_another_one() -> None:
    taken = f"{COMMIT}:124:production"
    history = deployment().around(holder={("deployment_key", taken): Holder(id=FIRST, label=taken)})

    history.when(amend(pr_number=124)).then_refused(NotUnique, stored=taken, id=FIRST)


def test_an_amendment_that_keeps_the_key_is_not_asked_for_it() -> None:
    history = deployment().around(holder={("deployment_key", KEY): Holder(id=FIRST, label=KEY)})

    history.when(amend(pr_title="Read invoices")).then_it_has(pr_title="Read invoices", key=KEY)


def test_a_redeployment_is_amended_freely() -> None:
    taken = f"{COMMIT}:124:production"
    history = deployment(redeployment=True).around(holder={("deployment_key", taken): Holder(id=FIRST, label=taken)})

    history.when(amend(pr_number=124)).then_it_has(pr_number=124, key=None)


@each("field", ["deployed_at", "commit_hash", "pr_number", "pr_title", "constitutional_compliance"])
def test_what_turns_out_to_be_unknown_can_be_emptied(field: str) -> None:
    deployment().when(amend(**{field: None})).then_it_has(**{field: None})


def test_counts_are_made_unknown_one_by_one() -> None:
    deployment().when(amend(test_summary=None)).then_invalid("test_summary")


def test_a_deployment_always_says_what_was_deployed() -> None:
    everything = {"commit_hash": None, "pr_number": None, "pr_title": None}

    deployment().when(amend(**everything)).then_invalid("commit_hash")
    given(decider).when(RecordDeployment(id=ENTITY, environment="production")).then_invalid("commit_hash")
    given(decider).when(RecordDeployment(id=ENTITY, pr_title="Only its words")).then_it_has(pr_title="Only its words")


def test_the_environment_can_be_cleared() -> None:
    deployment().when(amend(environment=None)).then_it_has(environment=None, key=f"{COMMIT}:123:")


def test_a_stale_writer_gets_both_versions() -> None:
    history = deployment().past(DeploymentAmended(changes={"pr_title": Change("Read scanned invoices", "X")}))

    history.when(amend(pr_title="Y")).then_refused(VersionConflict, expected=1, actual=2)


def test_a_deployment_that_does_not_exist_cannot_be_amended() -> None:
    given(decider).when(amend(pr_title="Y")).then_refused(NotFound, id=ENTITY)


def test_an_unknown_fact_leaves_a_deployment_as_it_is() -> None:
    before = Deployment(recorded=True)

    assert decider.evolve(before, UnknownFact(type="DeploymentPraised", schema=1)) == before
