"""The commands on the past, in this process: what they answer, and with which code they end."""

import json
from typing import Any

import pytest

from ledger.settings import Settings
from projections.cli.terminal import exits
from tests.conftest import Perform
from tests.support.command_line import Run, runner


@pytest.fixture
def run(settings: Settings) -> Run:
    return runner(settings, LEDGER_BY="tester")


@pytest.fixture
def item(perform: Perform) -> dict[str, Any]:
    made = perform("create_work_item", item_type="task", title="One")
    perform("update_work_item", id=made["id"], version=1, title="Two")
    return made


@pytest.mark.processes
def test_a_history_is_shown_change_by_change(run: Run, item: dict[str, Any]) -> None:
    answer = run("history", item["ref"])

    assert answer.exit_code == exits.DONE
    assert "title One -> Two" in answer.stdout


def test_a_difference_is_shown_field_by_field(run: Run, item: dict[str, Any]) -> None:
    answer = run("diff", item["ref"], "v1", "v2", "--json")

    assert json.loads(answer.stdout)["changes"] == [{"field": "title", "old": "One", "new": "Two"}]


@pytest.mark.processes
def test_an_undo_without_a_version_takes_the_newest_change_back_and_says_how_to_undo_it(
    run: Run, perform: Perform, item: dict[str, Any]
) -> None:
    done = run("undo", item["ref"])
    assert (done.exit_code, perform("query_work_item", id=item["id"])["title"]) == (exits.DONE, "One")

    again = run(*done.stderr.strip().removeprefix("to take this back: tracking-ledger ").split())
    assert (again.exit_code, perform("query_work_item", id=item["id"])["title"]) == (exits.DONE, "Two")


@pytest.mark.processes
def test_an_undo_by_position_is_refused_with_exit_code_3_when_something_would_be_lost(
    run: Run, perform: Perform, item: dict[str, Any]
) -> None:
    perform("update_work_item", id=item["id"], version=2, title="Three")

    refused = run("undo", "2", "--json")

    assert refused.exit_code == exits.REFUSED
    assert json.loads(refused.stdout)["error"]["details"]["rule"] == "later_changes"
    assert run("undo", "2").stderr.endswith(f"next: tracking-ledger undo {item['ref']} --version 3\n")


@pytest.mark.processes
def test_an_undo_without_a_name_stops_at_a_claim_and_says_what_ends_it_and_what_came_before(run: Run) -> None:
    ref, other = (run("add", title).stdout.split()[0] for title in ("Write", "Read"))
    run("done", other)
    run("start", ref)

    claimed = run("undo", "--yes")
    run("stop", ref)
    released = run("undo", "--yes")

    assert (claimed.exit_code, released.exit_code) == (exits.REFUSED, exits.REFUSED)
    assert f"next: tracking-ledger stop {ref} gives it back; tracking-ledger undo " in claimed.stderr
    assert f"next: tracking-ledger start {ref} claims it again; tracking-ledger undo " in released.stderr
    assert claimed.stderr.endswith(f" takes back what you did before: completed {other}\n")
    before = claimed.stderr.partition("tracking-ledger undo ")[2].split()[0]
    assert f"{other}  taken back" in run("undo", before).stdout


@pytest.mark.processes
def test_an_undo_without_a_name_says_what_ends_a_claim_where_nothing_came_before(run: Run, perform: Perform) -> None:
    ref = perform("create_work_item", item_type="task", title="Only", by="ann")["ref"]
    run("start", ref)

    assert run("undo").stderr.endswith(f"next: tracking-ledger stop {ref} gives it back\n")


def test_changes_are_listed_after_a_position(run: Run, item: dict[str, Any]) -> None:
    answer = run("changes", "1", "--json")

    assert [line["position"] for line in json.loads(answer.stdout)["items"]] == [2]


@pytest.mark.processes
def test_changes_say_who_answered_what_and_why(run: Run, perform: Perform, item: dict[str, Any]) -> None:
    perform("question", id=item["id"], action="ask", whom="kim", text="Which?", choices=["red", "blue"])
    perform("question", id=item["id"], action="answer", choice="blue", text="it is\nthe sea\u202e's", by="kim")

    answered = run("changes", "2").stdout.splitlines()[-1]

    assert "kim" in answered
    assert "chose blue: it is the sea" in answered
    assert "\u202e" not in answered


def test_an_item_that_was_not_there_yet_is_said_to_come_later(run: Run, perform: Perform) -> None:
    perform("create_vendor", name="Acme")
    ref = perform("create_work_item", item_type="task", title="Door")["ref"]

    refused = run("show", ref, "--as-of", "1")

    assert refused.exit_code == 3
    assert "was not there at position 1: it came with position 2" in refused.stderr


@pytest.mark.processes
def test_the_report_is_shown_as_of_a_position(run: Run, item: dict[str, Any]) -> None:
    assert "One (task" in run("status", "--as-of", "1").stdout


def test_the_history_of_what_never_was_ends_with_exit_code_3(run: Run) -> None:
    assert run("history", "w-00000").exit_code == exits.REFUSED
