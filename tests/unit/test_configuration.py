"""The configuration: there from the start, changed within limits."""

from typing import Any

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.configuration.decider import decider
from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.configuration.state import Configuration
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemDeleted
from ledger.envelope import UnknownFact
from ledger.errors import Forbidden, NotFound, VersionConflict
from ledger.values.revision import Change
from tests.support.each import each
from tests.support.given import CONFIGURATION, Given, given, numbered

SESSION = numbered(1)


def fresh() -> Given:
    return given(decider, CONFIGURATION)


def change(expected: int = 0, **fields: Any) -> ChangeConfiguration:
    return ChangeConfiguration(id=CONFIGURATION, expected=expected, fields=fields)


def test_the_defaults_hold_from_the_start() -> None:
    fresh().when(change()).then_nothing().then_it_has(
        active_context_type="feature",
        current_session_id=None,
        git_branch=None,
        git_head_commit=None,
        default_token_budget=200_000,
        depth_limit=5,
        archive_days=365,
        lease_minutes=30,
        write_status_file=False,
    )


def test_the_first_change_names_version_zero_and_the_defaults_as_old() -> None:
    outcome = fresh().when(change(active_context_type="research", depth_limit=5, lease_minutes=10))

    outcome.then(
        ConfigurationChanged(
            changes={"active_context_type": Change("feature", "research"), "lease_minutes": Change(30, 10)}
        )
    )


def test_a_stale_writer_gets_both_versions() -> None:
    history = fresh().past(ConfigurationChanged(changes={"depth_limit": Change(5, 6)}))

    history.when(change(depth_limit=7)).then_refused(VersionConflict, expected=0, actual=1, id=CONFIGURATION)


def test_a_version_a_fresh_configuration_never_had_is_a_conflict() -> None:
    fresh().when(change(expected=1, depth_limit=7)).then_refused(VersionConflict, expected=1, actual=0)


@each(
    ("field", "value"),
    [
        ("default_token_budget", 1_000),
        ("default_token_budget", 1_000_000),
        ("depth_limit", 0),
        ("depth_limit", 20),
        ("archive_days", 1),
        ("archive_days", 36_500),
        ("lease_minutes", 1),
        ("lease_minutes", 10_080),
        ("write_status_file", True),
    ],
)
def test_a_setting_may_reach_its_limits(field: str, value: int) -> None:
    fresh().when(change(**{field: value})).then_it_has(**{field: value})


@each(
    ("field", "value"),
    [
        ("default_token_budget", 999),
        ("default_token_budget", 1_000_001),
        ("depth_limit", -1),
        ("depth_limit", 21),
        ("archive_days", 0),
        ("archive_days", 36_501),
        ("lease_minutes", 0),
        ("lease_minutes", 10_081),
        ("lease_minutes", True),
        ("write_status_file", 1),
        ("write_status_file", None),
    ],
)
def test_a_setting_beyond_its_limits_is_refused_by_name(field: str, value: int) -> None:
    fresh().when(change(**{field: value})).then_invalid(field)


def test_all_faults_are_reported_at_once() -> None:
    fresh().when(change(depth_limit=-1, archive_days=None, lease_minutes=0)).then_invalid(
        "depth_limit", "archive_days", "lease_minutes"
    )


def test_the_current_session_is_a_session_of_this_ledger() -> None:
    history = fresh().elsewhere("work_item", SESSION, WorkItemCreated(item_type="session", title="S"))

    outcome = history.around(known={"work_item": {SESSION}}).when(change(current_session_id=SESSION))

    outcome.then_it_has(current_session_id=SESSION).looking_at("existence")


def test_an_unknown_session_is_not_found() -> None:
    fresh().when(change(current_session_id=SESSION)).then_refused(NotFound, field="current_session_id", id=SESSION)


def test_an_item_of_another_type_is_no_session() -> None:
    history = fresh().elsewhere("work_item", SESSION, WorkItemCreated(item_type="task", title="T"))

    outcome = history.around(known={"work_item": {SESSION}}).when(change(current_session_id=SESSION))

    outcome.then_invalid("current_session_id")


def test_a_deleted_session_cannot_become_the_current_one() -> None:
    history = fresh().elsewhere(
        "work_item", SESSION, WorkItemCreated(item_type="session", title="S"), WorkItemDeleted()
    )

    outcome = history.around(known={"work_item": {SESSION}}).when(change(current_session_id=SESSION))

    outcome.then_invalid("current_session_id")


@each("field", ["current_session_id", "git_branch", "git_head_commit"])
def test_what_came_from_the_moment_can_be_cleared(field: str) -> None:
    history = fresh().past(ConfigurationChanged(changes={field: Change(None, "something")}))

    history.when(change(expected=1, **{field: None})).then_it_has(**{field: None})


def test_an_unknown_setting_of_a_newer_program_leaves_the_rest_as_it_is() -> None:
    changed = ConfigurationChanged(changes={"colour": Change("red", "blue"), "depth_limit": Change(5, 6)})

    assert decider.evolve(Configuration(), changed) == Configuration(depth_limit=6)


def test_an_unknown_fact_leaves_the_configuration_as_it_is() -> None:
    before = Configuration(depth_limit=7)

    assert decider.evolve(before, UnknownFact(type="ConfigurationPraised", schema=1)) == before


def test_states_of_the_ledgers_own_are_set_all_at_once() -> None:
    states = [{"name": "In Review", "category": "review"}, {"name": "doing", "category": "active", "on_claim": True}]

    outcome = fresh().when(change(states=states))

    outcome.then(ConfigurationChanged(changes={"states": Change([], states)}))
    fresh().past(ConfigurationChanged(changes={"states": Change([], states)})).when(
        change(1, states=states)
    ).then_nothing()


@each(
    ("states", "field"),
    [
        ([{"name": "", "category": "review"}], "states.0.name"),
        ([{"name": " qa", "category": "review"}], "states.0.name"),
        ([{"name": "a\nb", "category": "review"}], "states.0.name"),
        ([{"name": "x" * 41, "category": "review"}], "states.0.name"),
        ([{"name": "Completed", "category": "done"}], "states.0.name"),
        ([{"name": "qa", "category": "review"}, {"name": "QA", "category": "review"}], "states.1.name"),
        ([{"name": "qa", "category": "reviewed"}], "states.0.category"),
        ([{"name": "qa", "category": "review", "on_claim": True}], "states.0.on_claim"),
        ([{"name": name, "category": "active", "on_claim": True} for name in "ab"], "states"),
        ([{"name": f"state {number}", "category": "active"} for number in range(51)], "states"),
    ],
)
def test_states_that_could_not_be_told_apart_or_mean_nothing_are_refused(
    states: list[dict[str, Any]], field: str
) -> None:
    fresh().when(change(states=states)).then_invalid(field)


def test_a_writer_changes_no_configuration() -> None:
    refused = fresh().when(change(depth_limit=3), by="ann", scope="write").then_refused(Forbidden, needed="admin")

    assert refused.message == "the configuration is changed with the scope admin, and ann has write"
