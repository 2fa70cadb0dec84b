"""Enhancements: their way from planned to completed, and what they wait for."""

from typing import Any

import pytest

from ledger.aggregates.enhancement.commands import RecordEnhancement, UpdateEnhancement
from ledger.aggregates.enhancement.decider import decider
from ledger.aggregates.enhancement.events import EnhancementRecorded, EnhancementRevised, EnhancementStatusChanged
from ledger.aggregates.enhancement.state import Enhancement
from ledger.envelope import UnknownFact
from ledger.errors import NotFound, Refused, VersionConflict
from ledger.values.revision import Change
from tests.support.each import each
from tests.support.given import ENTITY, Given, given, numbered

SECOND, THIRD, FOURTH = numbered(1), numbered(2), numbered(3)
FIELDS: dict[str, Any] = {
    "title": "Parallel extraction",
    "description": "Several files at once",
    "priority": 2,
    "target_quarter": "2026-Q4",
    "principles": ("simplicity",),
}
STATUSES = ("planned", "approved", "implementing", "completed", "dropped")
ALLOWED = {
    ("planned", "approved"),
    ("approved", "implementing"),
    ("implementing", "completed"),
    ("planned", "dropped"),
    ("approved", "dropped"),
    ("implementing", "dropped"),
    ("dropped", "planned"),
}


def enhancement(**more: Any) -> Given:
    return given(decider).past(EnhancementRecorded(**FIELDS | more))


def known(*ids: str) -> dict[str, set[str]]:
    return {"enhancement": set(ids)}


def waiting_for(*ids: str) -> EnhancementRecorded:
    return EnhancementRecorded(title="Waits", depends_on=ids)


def update(status: str | None = None, **fields: Any) -> UpdateEnhancement:
    return UpdateEnhancement(id=ENTITY, expected=1, status=status, fields=fields)


def test_a_new_enhancement_is_planned() -> None:
    outcome = given(decider).when(RecordEnhancement(id=ENTITY, **FIELDS))

    outcome.then(EnhancementRecorded(**FIELDS)).then_it_has(status="planned", **FIELDS)


@each(("before", "after"), sorted(ALLOWED))
def test_the_ways_that_are_open(before: str, after: str) -> None:
    outcome = enhancement(status=before).when(update(after))

    outcome.then(EnhancementStatusChanged(old=before, new=after)).then_it_has(status=after)


@each(
    ("before", "after"),
    [(one, other) for one in STATUSES for other in STATUSES if one != other and (one, other) not in ALLOWED],
)
def test_every_other_way_is_closed(before: str, after: str) -> None:
    outcome = enhancement(status=before).when(update(after))

    outcome.then_refused(Refused, rule="status_transition", present=before, wanted=after)


@pytest.mark.parametrize(
    ("before", "after", "way_on"),
    [("planned", "completed", "approved or dropped"), ("completed", "planned", "record a new enhancement")],
)
def test_a_closed_way_tells_which_are_open(before: str, after: str, way_on: str) -> None:
    refusal = enhancement(status=before).when(update(after)).then_refused(Refused)

    assert way_on in refusal.next_step


@each("status", STATUSES)
def test_the_same_status_again_is_no_change(status: str) -> None:
    enhancement(status=status).when(update(status)).then_nothing()


@each("status", STATUSES)
def test_from_an_unknown_status_every_way_is_open(status: str) -> None:
    enhancement(status=None).when(update(status)).then(EnhancementStatusChanged(new=status))


def test_a_revision_holds_only_what_changed() -> None:
    outcome = enhancement().when(update(priority=1, title="Parallel extraction", metadata={"effort": "high"}))

    outcome.then(
        EnhancementRevised(changes={"priority": Change(2, 1), "metadata.effort": Change(new="high")}),
    )


def test_fields_and_status_change_together() -> None:
    enhancement().when(update("approved", priority=1)).then_it_has(status="approved", priority=1)


def test_the_title_cannot_be_cleared() -> None:
    enhancement().when(update(title=None)).then_invalid("title")


@each(("field", "empty"), [("target_quarter", None), ("principles", ()), ("description", None), ("priority", None)])
def test_an_optional_field_can_be_cleared(field: str, empty: object) -> None:
    enhancement().when(update(**{field: None})).then_it_has(**{field: empty})


def test_a_stale_writer_gets_both_versions() -> None:
    history = enhancement().past(EnhancementStatusChanged(old="planned", new="approved"))

    history.when(update(priority=1)).then_refused(VersionConflict, expected=1, actual=2)


def test_an_enhancement_that_does_not_exist_cannot_be_updated() -> None:
    given(decider).when(update("approved")).then_refused(NotFound, id=ENTITY)


def test_an_enhancement_waits_for_others() -> None:
    command = RecordEnhancement(id=ENTITY, **FIELDS, depends_on=(SECOND,))

    outcome = given(decider).past(waiting_for(THIRD), of=SECOND).around(known=known(SECOND)).when(command)

    outcome.then_it_has(depends_on=(SECOND,)).looking_at("existence")


def test_every_unknown_dependency_is_reported() -> None:
    command = RecordEnhancement(id=ENTITY, **FIELDS, depends_on=(SECOND, THIRD, FOURTH))

    outcome = given(decider).around(known=known(THIRD)).when(command)

    outcome.then_refused(NotFound, items=[{"field": "depends_on", "id": SECOND}, {"field": "depends_on", "id": FOURTH}])


def test_an_old_dependency_is_not_questioned_again() -> None:
    history = enhancement(depends_on=(FOURTH,)).around(known=known(SECOND))

    history.when(update(depends_on=[FOURTH, SECOND])).then_it_has(depends_on=(FOURTH, SECOND))


def test_an_enhancement_does_not_wait_for_itself() -> None:
    enhancement().around(known=known(ENTITY)).when(update(depends_on=[ENTITY])).then_invalid("depends_on")


def test_two_enhancements_do_not_wait_for_each_other() -> None:
    history = enhancement().past(waiting_for(ENTITY), of=SECOND)

    outcome = history.around(known=known(SECOND)).when(update(depends_on=[SECOND]))

    outcome.then_refused(Refused, rule="dependency_cycle")


def test_a_cycle_is_found_over_any_distance_and_reported_link_by_link() -> None:
    history = enhancement()
    history.past(waiting_for(THIRD), of=SECOND)
    history.past(waiting_for(FOURTH), of=THIRD)
    history.past(waiting_for(ENTITY), of=FOURTH)

    outcome = history.around(known=known(SECOND)).when(update(depends_on=[SECOND]))

    refusal = outcome.then_refused(Refused, rule="dependency_cycle")
    assert [item["id"] for item in refusal.details["items"]] == [SECOND, THIRD, FOURTH]


def test_two_ways_to_the_same_enhancement_are_no_cycle() -> None:
    history = enhancement().past(waiting_for(FOURTH), of=SECOND).past(waiting_for(FOURTH), of=THIRD)

    outcome = history.around(known=known(SECOND, THIRD)).when(update(depends_on=[SECOND, THIRD]))

    outcome.then_it_has(depends_on=(SECOND, THIRD))


def test_a_cycle_that_an_import_brought_does_not_trap_the_search() -> None:
    history = enhancement().past(waiting_for(THIRD), of=SECOND).past(waiting_for(SECOND), of=THIRD)

    outcome = history.around(known=known(SECOND)).when(update(depends_on=[SECOND]))

    outcome.then_it_has(depends_on=(SECOND,))


def test_an_unknown_fact_leaves_an_enhancement_as_it_is() -> None:
    before = Enhancement(title="T")

    assert decider.evolve(before, UnknownFact(type="EnhancementPraised", schema=1)) == before
