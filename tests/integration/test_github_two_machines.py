"""Two machines of one ledger that synchronise the same repository at once, or one of them killed in the middle."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.settings import Settings
from projections.application.app import App
from projections.transfer.github.exchange import Exchange
from projections.transfer.github.rules import claims
from projections.transfer.github.run import Report, Synchronisation
from tests.conftest import Perform
from tests.support.github_api import OWNER, Fault, GithubApi
from tests.support.kills import Killed
from tests.support.long_cases import long_cases


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Iterator[App]:
    """The same ledger on another machine."""
    app = App(replace(settings, home=tmp_path / "other"))
    yield app
    app.close()


def synchronise(app: App, github: GithubApi) -> Report:
    return Synchronisation(repository=OWNER, url=github.url).run(app, sleep=lambda _: None)


def kinds(report: Report) -> set[str]:
    return {found["kind"] for found in report["findings"]}


@pytest.mark.processes
def test_what_is_new_is_made_once_by_two_machines_at_once(
    app: App, other: App, github: GithubApi, perform: Perform
) -> None:
    made = perform("create_work_item", item_type="task", title="Paint")
    perform("comment", id=made["id"], text="Blue")
    seen: list[Report] = []

    def meanwhile(method: str, path: str) -> Fault | None:
        if method == "POST" and len(seen) < 2 and path.endswith(("/issues", "/comments")):
            seen.append({})
            seen[-1] = synchronise(other, github)
        return None

    github.faults = meanwhile

    synchronise(app, github)

    assert [issue["title"] for issue in github.issues.values()] == ["Paint"]
    assert len(github.comments) == 1
    assert [kinds(report) for report in seen] == [{"sent_elsewhere"}, {"sent_elsewhere"}]
    reports = [synchronise(one, github) for one in (other, app, other, app)]
    assert (len(github.issues), len(github.comments)) == (1, 1)
    assert [report["findings"] for report in reports] == [[], [], [], []]
    assert [report["events"] for report in reports[2:]] == [0, 0]
    assert "github_sending" not in perform("query_work_item", id=made["id"])["metadata"]


@long_cases("step", ["before it is made", "before it is recorded"])
def test_a_machine_that_is_killed_at_it_leaves_one_issue(
    app: App, other: App, github: GithubApi, perform: Perform, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    perform("create_work_item", item_type="task", title="Paint")
    record: Any = Exchange._record

    def killed(self: Exchange, source: str, decide: Any) -> None:
        if step == "before it is recorded" and source != "github claim":
            raise Killed
        record(self, source, decide)
        if step == "before it is made":
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Exchange, "_record", killed)
        with pytest.raises(Killed):
            synchronise(app, github)
    at_once = synchronise(other, github)
    before = len(github.issues)
    monkeypatch.setattr(claims, "LONGEST", timedelta(0))
    later = synchronise(other, github)

    assert (kinds(at_once), kinds(later)) == ({"sent_elsewhere"}, set())
    assert before == (0 if step == "before it is made" else 1)
    assert [issue["title"] for issue in github.issues.values()] == ["Paint"]
    assert [synchronise(one, github)["events"] for one in (app, other)] == [0, 0]
    assert len(github.issues) == 1
