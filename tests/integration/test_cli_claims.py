"""The commands on claims and the archive in this process: what they answer, and with which code they end."""

import json

import pytest

from ledger.settings import Settings
from projections.cli.terminal.exits import REFUSED
from tests.conftest import Perform
from tests.support.command_line import Run, runner

TOKEN = "a-token-of-the-test"


@pytest.fixture
def run(settings: Settings) -> Run:
    """run("next"): the command on the test's own ledger, as the holder of TOKEN."""
    return runner(settings, LEDGER_TOKEN=TOKEN)


@pytest.mark.processes
def test_ready_lists_what_can_be_begun(run: Run, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="First", priority=1)
    perform("create_work_item", item_type="research", title="Second")

    assert [item["title"] for item in json.loads(run("ready", "--json").stdout)["items"]] == ["First", "Second"]
    assert "Second" in run("ready", "--type", "research").stdout
    assert "1 of 2; more: tracking-ledger ready --page 2" in run("ready", "--limit", "1").stderr
    assert "Second" in run("ready", "--limit", "1", "--page", "2").stdout


def test_ready_says_how_the_first_of_what_it_lists_is_begun(run: Run, perform: Perform) -> None:
    nothing = run("ready")
    ref = perform("create_work_item", item_type="task", title="First")["ref"]

    listed, answered = run("ready"), run("ready", "--json")

    assert f"to begin the first: tracking-ledger start {ref}" in listed.stderr
    assert "start" not in nothing.output + answered.output


def test_next_claims_until_nothing_is_ready_and_says_what_to_type_when_it_is_done(run: Run, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="Only")

    taken, left = run("next", "--minutes", "5"), run("next")

    assert (taken.exit_code, "Only" in taken.stdout) == (0, True)
    assert f"tracking-ledger done {taken.stdout.split()[0]}" in taken.stderr
    assert TOKEN not in taken.output
    assert (left.exit_code, left.stdout) == (0, "")
    assert "nothing is ready" in left.stderr


@pytest.mark.processes
def test_a_claim_is_kept_and_given_back_by_its_token_only(run: Run, perform: Perform) -> None:
    ref = perform("create_work_item", item_type="task", title="Mine")["ref"]

    assert run("claim", ref).exit_code == 0
    assert run("renew", ref, "--token", "somebody-else").exit_code == REFUSED
    assert run("renew", ref, "--minutes", "90").exit_code == 0
    assert run("release", ref).exit_code == 0
    assert run("claim", ref, "--token", "somebody-else").exit_code == 0


@pytest.mark.processes
def test_archive_and_restore_say_how_many(run: Run, perform: Perform) -> None:
    entity = perform("create_work_item", item_type="task", title="Done")
    perform("update_work_item", id=entity["id"], version=1, status="completed")

    assert run("archive", entity["ref"], "--dry-run").stdout == f"1 would be archived: {entity['ref']}\n"
    assert run("archive", entity["ref"]).stdout == f"1 archived: {entity['ref']}\n"
    assert run("restore", entity["ref"]).stdout == f"1 brought back: {entity['ref']}\n"
    assert run("archive").stdout == "nothing archived\n"


@pytest.mark.processes
def test_archive_takes_several_or_all_that_is_finished_today(run: Run, perform: Perform) -> None:
    refs = [perform("create_work_item", item_type="task", title=title)["ref"] for title in ("One", "Two", "Three")]
    run("done", *refs)

    assert run("archive", *refs[:2]).stdout == f"1 archived: {refs[0]}\n1 archived: {refs[1]}\n"
    assert run("archive", "--older-than", "0").stdout == f"1 archived: {refs[2]}\n"
    assert run("restore", *refs).exit_code == 0
    assert json.loads(run("archive", *refs, "--json").stdout)["done"] == 3


@pytest.mark.processes
def test_what_a_command_claims_the_next_command_of_the_same_name_completes(run: Run, perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="Mine")["ref"]
    own = {"LEDGER_TOKEN": ""}

    taken = run("--by", "ann", "next", **own)
    by_another = run("--by", "bob", "done", item, **own)
    completed = run("--by", "ann", "done", item, **own)

    assert (taken.exit_code, by_another.exit_code, completed.exit_code) == (0, REFUSED, 0), completed.output
