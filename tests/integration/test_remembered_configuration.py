"""What a program remembers of the configuration, while another one changes it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.envelope import Past
from ledger.errors import Invalid, Refused
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.conftest import Perform
from tests.support.each import each

BACKLOG = [{"name": "backlog", "category": "planned"}]


@pytest.fixture
def other(settings: Settings) -> Iterator[Perform]:
    """Another program on the same ledger."""
    app = App(replace(settings, home=settings.project / "other"))
    yield lambda name, /, **arguments: OPERATIONS[name].perform(app, arguments)
    app.close()


def created(perform: Perform, **fields: Any) -> dict[str, Any]:
    return perform("create_work_item", item_type="task", title="One", **fields)


@pytest.mark.processes
def test_a_creation_follows_what_another_has_just_set(perform: Perform, other: Perform) -> None:
    created(perform)
    created(perform)
    other("update_project_configuration", version=0, states=BACKLOG)

    assert perform("query_work_item", id=created(perform)["id"])["status"] == "backlog"


@pytest.mark.processes
def test_nothing_is_refused_by_what_does_not_hold_any_more(perform: Perform, other: Perform) -> None:
    perform("update_project_configuration", version=0, settings={"depth_limit": 1})
    part = created(perform, parent_id=created(perform)["id"])
    with pytest.raises(Refused):
        created(perform, parent_id=part["id"])
    created(perform)
    other("update_project_configuration", version=1, settings={"depth_limit": 5})

    assert created(perform, parent_id=part["id"])["outcome"] == "committed"


@pytest.mark.processes
def test_what_another_took_back_can_be_set_again(perform: Perform, other: Perform) -> None:
    perform("update_project_configuration", version=0, settings={"depth_limit": 4})
    created(perform)
    other("update_project_configuration", version=1, settings={"depth_limit": 5})

    answered = perform("update_project_configuration", version=2, settings={"depth_limit": 4})

    assert (answered["version"], answered.get("unchanged", False)) == (3, False)


def asking(app: App, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The streams that are read from now on."""
    asked: list[str] = []
    read = app.runtime.store.read_streams

    def noted(streams: Iterable[str]) -> Past:
        wanted = list(streams)
        asked.extend(wanted)
        return read(wanted)

    monkeypatch.setattr(app.runtime.store, "read_streams", noted)
    return asked


def test_a_creation_that_remembers_asks_nothing_before_it_appends(
    app: App, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(perform)
    asked = asking(app, monkeypatch)

    created(perform)

    assert asked == []


def test_a_change_of_the_configuration_begins_from_what_the_log_holds(
    app: App, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform("update_project_configuration", version=0, settings={"depth_limit": 4})
    created(perform)
    asked = asking(app, monkeypatch)

    perform("update_project_configuration", version=1, settings={"depth_limit": 5})

    assert [stream.partition("-")[0] for stream in asked] == ["configuration"]


@each("status", ["active", "nonsense"])
def test_what_is_refused_or_changes_nothing_is_decided_once_and_compared_with_the_log(
    app: App, perform: Perform, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    item = created(perform)
    with monkeypatch.context() as noting, suppress(Invalid):
        asked = asking(app, noting)
        app.live_view().record(UpdateWorkItem(id=item["id"], expected=1, status=status))

    assert [stream.partition("-")[0] for stream in asked] == ["work_item", "configuration"]


@pytest.mark.processes
def test_what_was_rolled_back_is_not_remembered(app: App, perform: Perform, other: Perform) -> None:
    created(perform)
    live = app.live_view()  # an App would queue what takes too long, and so out of the transaction
    with pytest.raises(KeyError), live.store.exclusively():
        OPERATIONS["update_project_configuration"].perform(live, {"version": 0, "states": BACKLOG})
        OPERATIONS["create_work_item"].perform(live, {"item_type": "task", "title": "One"})
        raise KeyError("rolls everything back")
    other("update_project_configuration", version=0, settings={"depth_limit": 4})  # of the same version as the other

    assert perform("query_work_item", id=created(perform)["id"])["status"] == "active"
