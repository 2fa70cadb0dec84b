"""What waits for one person: one list, from the operation, the command line and the prime text."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from ledger.aggregates.conflict.events import ConflictFound, Met
from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemClaimed
from ledger.envelope import Fact, stream_id
from projections.application.app import App
from projections.questions.overviews import needs
from projections.reports import prime
from tests.conftest import Perform
from tests.support.command_line import run
from tests.support.ledgers import proposal

OTHER = "a-token-of-another"
LONG_AGO = "2026-01-01T00:00:00.000000Z"


def task(perform: Perform, title: str, **more: Any) -> dict[str, Any]:
    return perform("create_work_item", item_type="task", title=title, **more)


def record(app: App, *facts: tuple[str, int, Fact]) -> None:
    """Facts that no command makes now: leases that ended, a conflict that an outage left."""
    app.store.append(proposal(app.store, UpdateWorkItem(id=str(uuid4()), expected=1), *facts))


@pytest.fixture
def waiting(app: App, perform: Perform) -> dict[str, str]:
    """One of each kind that waits for the tester, and one of each that does not; by what it is, its reference."""
    perform("update_project_configuration", version=0, settings={"roles": {"lead": ["tester"], "design": ["ann"]}})
    asked, role, other, ended, theirs, blocker, blocked, free = (
        task(perform, title, priority=place + 1 if place < 2 else None)
        for place, title in enumerate(
            ("Asked", "Asked of the role", "Of ann", "Ended", "Ended of ann", "Blocker", "Blocked", "Free")
        )
    )
    perform("question", id=asked["id"], action="ask", whom="tester", text="Red?", choices=["red", "blue"], by="bot")
    perform("question", id=role["id"], action="ask", whom="lead", text="Ship it?", by="bot")
    perform("question", id=other["id"], action="ask", whom="design", text="Round?", by="bot")
    perform("link_work_items", id=blocker["id"], kind="blocks", to_id=blocked["id"])
    perform("claim_work_item", action="claim", id=blocker["id"])
    perform("claim_work_item", action="claim", id=free["id"])
    met = Met(stream=stream_id("work_item", free["id"]), field="title", base="a", mine="b", now="c")
    found = ConflictFound(command="UpdateWorkItem", schema=1, arguments={}, about=(met.stream,), met=(met,))
    record(
        app,
        (stream_id("work_item", ended["id"]), 2, WorkItemClaimed(by="tester", until=LONG_AGO, token_digest="x")),
        (stream_id("work_item", theirs["id"]), 2, WorkItemClaimed(by="ann", until=LONG_AGO, token_digest="x")),
        (stream_id("conflict", str(uuid4())), 1, found),
    )
    return {"asked": asked["ref"], "role": role["ref"], "ended": ended["ref"], "blocker": blocker["ref"]}


@pytest.mark.processes
def test_what_is_mine_and_due_today_or_before_waits_for_me(perform: Perform) -> None:
    today = datetime.now(UTC).date().isoformat()
    late = task(perform, "Late", assignee="tester", due="2020-01-31", priority=5)
    held = task(perform, "Held", due=today, priority=1)
    perform("claim_work_item", action="claim", id=held["id"])
    task(perform, "Of ann", assignee="ann", due=today)
    task(perform, "Later", assignee="tester", due="2999-01-01")
    done = task(perform, "Done", assignee="tester", due=today)
    perform("update_work_item", id=done["id"], version=1, status="completed")

    answer = perform("needs_me")

    assert [(item["kind"], item["ref"], item["due"]) for item in answer["items"]] == [
        ("due", held["ref"], today),
        ("due", late["ref"], "2020-01-31"),
    ]
    assert f"{late['ref']} Late: due 2020-01-31" in perform("prime")["text"]


def test_one_list_has_what_waits_for_who_asks_and_nothing_else(perform: Perform, waiting: dict[str, str]) -> None:
    answer = perform("needs_me")

    question, role, conflict, ended, blocker = answer["items"]
    assert (question["kind"], question["ref"], question["question"]) == ("question", waiting["asked"], "Red?")
    assert (question["choices"], question["by"]) == (["red", "blue"], "bot")
    assert (role["kind"], role["ref"], role["whom"]) == ("question", waiting["role"], "lead")
    assert (conflict["kind"], conflict["title"]) == ("conflict", "UpdateWorkItem")
    assert (ended["kind"], ended["ref"], ended["since"]) == ("expired_claim", waiting["ended"], LONG_AGO)
    assert (blocker["kind"], blocker["ref"]) == ("blocks", waiting["blocker"])
    assert [item["title"] for item in blocker["blocks"]] == ["Blocked"]
    assert (answer["total_count"], answer["returned"], answer["has_more"]) == (5, 5, False)


def test_the_list_is_cut_and_counted(perform: Perform, waiting: dict[str, str]) -> None:
    answer = perform("needs_me", limit=2)

    assert [item["ref"] for item in answer["items"]] == [waiting["asked"], waiting["role"]]
    assert (answer["total_count"], answer["returned"], answer["has_more"]) == (5, 2, True)


def test_each_person_has_a_list_of_their_own(perform: Perform, waiting: dict[str, str]) -> None:
    titles = [item["title"] for item in perform("needs_me", by="ann")["items"]]

    assert titles == ["Of ann", "UpdateWorkItem", "Ended of ann"]


@pytest.mark.processes
def test_what_was_answered_completed_or_ended_waits_no_longer(perform: Perform, waiting: dict[str, str]) -> None:
    before = perform("sync_state")["position"]
    perform("question", id=waiting["asked"], action="answer", choice="red")
    perform("update_work_item", id=waiting["ended"], version=2, status="completed")
    blocked = next(item for item in perform("needs_me")["items"] if item["kind"] == "blocks")["blocks"][0]["ref"]
    version = perform("query_work_item", id=blocked)["version"]
    perform("update_work_item", id=blocked, version=version, deleted=True)

    assert [item["kind"] for item in perform("needs_me")["items"]] == ["question", "conflict"]
    assert perform("needs_me", as_of=before)["total_count"] == 5


@pytest.mark.processes
def test_what_they_hold_does_not_wait_for_them_while_it_waits_for_an_answer(
    perform: Perform, waiting: dict[str, str]
) -> None:
    perform("question", id=waiting["blocker"], action="ask", whom="ann", text="Round?")

    assert "blocks" not in [item["kind"] for item in perform("needs_me")["items"]]
    perform("question", id=waiting["blocker"], action="withdraw")
    assert "blocks" in [item["kind"] for item in perform("needs_me")["items"]]


@pytest.mark.processes
def test_the_prime_text_has_it(perform: Perform, waiting: dict[str, str]) -> None:
    text = perform("prime")["text"]

    assert f"- {waiting['asked']} Asked: bot asks: Red? (red, blue)\n" in text
    assert f"- {waiting['blocker']} Blocker: 1 wait for it\n" in text
    assert "Of ann" not in text.partition("In progress")[0]


def test_the_prime_text_names_the_states_of_the_ledger_and_which_words_mean_done(perform: Perform) -> None:
    plain = perform("prime")["text"]
    states = [{"name": "in_review", "category": "review"}, {"name": "shipped", "category": "done"}]
    settings = {"review_types": ["task"], "reviewer": "lead"}
    perform("update_project_configuration", version=0, states=states, settings=settings)

    text = perform("prime")["text"]

    assert "with status `completed`." in plain
    assert "States here" not in plain
    assert "with status `completed` or `shipped`." in text
    assert "`in_review` (review), `completed` (done), `shipped` (done), `dropped` (dropped)." in text
    assert "Completing task items asks for a review by lead" in text


@pytest.mark.processes
def test_the_prime_text_says_of_each_kind_what_to_do_next(perform: Perform, waiting: dict[str, str]) -> None:
    lines = perform("prime")["text"].partition("Waits for you:\n")[2].partition("\n\n")[0].splitlines()
    heads, under = [line for line in lines if not line.startswith("- ")], dict[str, str]()
    for line in lines:
        under[line] = line if line in heads else [*under.values()][-1]

    assert heads == [f"{prime.NEXT[kind]}:" for kind in ("question", "conflict", "expired_claim", "blocks")]
    assert set(prime.NEXT) == set(needs.KINDS)
    assert under[f"- {waiting['blocker']} Blocker: 1 wait for it"].startswith("To complete")
    assert under[f"- {waiting['role']} Asked of the role: bot asks: Ship it?"].startswith("To answer: question")


@pytest.mark.processes
def test_the_command_prints_it_and_what_to_type_next(app: App, waiting: dict[str, str]) -> None:
    found = run(app.settings, "needs-me", LEDGER_BY="tester")
    nothing = run(app.settings, "--by", "eve", "needs-me", "--json")

    assert f"{waiting['asked']}  question       Asked              bot asks: Red? (red, blue)\n" in found.stdout
    assert "tracking-ledger answer REF" in found.stderr
    assert '"kind": "conflict"' in nothing.stdout
    assert '"kind": "question"' not in nothing.stdout


def test_who_takes_over_an_ended_claim_hears_who_had_it(app: App, perform: Perform, waiting: dict[str, str]) -> None:
    listed = run(app.settings, "list")

    taken = perform("claim_work_item", action="claim", id=waiting["ended"])
    again = perform("claim_work_item", action="claim", id=waiting["ended"], minutes=500)
    next_one = run(app.settings, "next")

    assert "tester (ended)" in listed.stdout
    assert taken["taken_from"] == {"by": "tester", "until": LONG_AGO}
    assert "taken_from" not in again
    assert "Ended of ann" in next_one.stdout
    assert "ann had it until 2026-01-01 00:00:00 UTC and may still be at work on it" in next_one.stderr
