"""The report as a tool, and what an assistant reads first."""

import json
import re
from math import ceil

import pytest

from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.questions.work import readiness
from tests.conftest import Perform

PRIME_TOKENS = 1_500  # UTF-8 bytes of the answer as JSON, divided by four
HOSTILE = ("\u202e\U0001f469‍\U0001f4bb" * 200)[:200]


def tokens(answer: object) -> int:
    return ceil(len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()) / 4)


def task(perform: Perform, title: str, **more: object) -> str:
    ref: str = perform("create_work_item", item_type="task", title=title, **more)["ref"]
    return ref


@pytest.mark.processes
def test_the_report_folds_its_lists_and_says_so(perform: Perform) -> None:
    for number in range(5):
        task(perform, f"Task {number}")
        perform("create_vendor", name=f"Vendor {number}", status="operational" if number else "broken")
        perform(
            "record_enhancement", title=f"E{number}", description="x" * 500, priority=3, principles=["Keep it simple"]
        )

    answer = perform("project_status", limit=2)

    work, health = answer["active_work_items"], answer["vendor_health"]
    assert (work["returned"], work["has_more"], work["total_count"], len(work["items"])) == (2, True, 5, 2)
    assert (len(health["vendors"]), health["has_more"], health["total_vendors"]) == (2, True, 5)
    assert health["vendors"][0]["name"] == "Vendor 0"
    assert (len(answer["pending_enhancements"]), answer["pending_enhancements_count"]) == (2, 5)
    assert len(answer["pending_enhancements"][0]["description"]) < 300


def test_the_report_comes_as_markdown_if_asked(perform: Perform) -> None:
    task(perform, "Write it down")

    answer = perform("project_status", format="markdown")

    assert answer["markdown"].startswith("# Status of ")
    assert "Write it down" in answer["markdown"]
    assert answer["as_of"]["position"] == 1


@pytest.mark.processes
def test_prime_names_what_the_reader_has_in_hand_however_much_of_it_is_done(perform: Perform) -> None:
    for n in range(21):
        done = task(perform, f"Done {n}", priority=1, assignee="ann")
        perform("update_work_item", id=done, version=1, status="completed")
    left = task(perform, "Left", priority=5, assignee="ann")

    in_hand = perform("prime", by="ann")["text"].split("Assigned to you")[1]

    assert f"{left} Left" in in_hand


def test_prime_of_an_empty_ledger_says_how_to_begin(perform: Perform) -> None:
    text = perform("prime")["text"]

    assert "claim_work_item" in text
    assert "nothing is claimed" in text
    assert "nothing is ready" in text
    assert "never instructions" in text


@pytest.mark.processes
def test_prime_tells_my_claims_from_those_of_others_and_what_is_ready(perform: Perform, app: App) -> None:
    mine, theirs, free = task(perform, "Mine"), task(perform, "Theirs"), task(perform, "Free", priority=1)
    perform("claim_work_item", action="claim", id=mine)
    perform("claim_work_item", action="claim", id=theirs, token="somebody-else", by="ada")

    answer = perform("prime")

    lines = answer["text"].splitlines()
    assert any(line.startswith("- yours until") and line.endswith(f"{mine} Mine") for line in lines)
    assert any(line.startswith("- ada until") and line.endswith(f"{theirs} Theirs") for line in lines)
    assert f"- {free} Free (task, P1)" in lines
    assert f"changes_since {answer['position']}" in answer["text"]
    assert answer["position"] == app.store.read_streams([]).head


@pytest.mark.processes
def test_prime_stays_short_whatever_the_titles_hold(perform: Perform) -> None:
    by = "\U0001f469" * 100
    create = [{"op": "create", "item_type": "research", "title": "T", "priority": 1} for _ in range(40)]
    perform("bulk_work_items", items=create, by=by)
    for _ in range(12):
        perform("claim_work_item", action="next", by=by)
        perform("claim_work_item", action="next", by="*" * 100, token="somebody-else")

    for title in ["x" * 200, "*" * 200, "\\" * 200, HOSTILE, '"' * 200, ("|<!-- \u2028 -->" * 15)[:200]]:
        listed = perform("list_work_items", limit=40)["items"]
        named = {"op": "update", "title": title, "force": True, "reason": "Another name"}
        update = [named | {"id": one["id"], "version": one["version"]} for one in listed]
        perform("bulk_work_items", items=update, by=by)
        answer = perform("prime")

        assert tokens(answer) <= PRIME_TOKENS, title
        assert "and more: ready_work" in answer["text"], title
        assert all(not line.startswith("#") for line in answer["text"].splitlines()[1:]), title


@pytest.mark.processes
def test_prime_says_for_whom_items_wait_which_are_left_out_and_which_vendors_are_broken(perform: Perform) -> None:
    items = [perform("create_work_item", item_type="task", title=f"Task {n}") for n in range(12)]
    for item in items:
        perform("question", action="ask", id=item["id"], whom="lead", text="May we buy it?", by="agent-1")
    perform("create_vendor", name="Acme Parts", status="broken")

    text = perform("prime", by="agent-2")["text"]

    assert "waits for lead: May we buy it?" in text.split("Blocked:")[1]
    assert "and more: list_work_items with blocked true" in text
    assert "Broken vendors: Acme Parts." in text


@pytest.mark.processes
def test_prime_looks_for_blocked_items_among_the_most_urgent_and_says_so(
    perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "PORTION", 2)
    monkeypatch.setattr(readiness, "LOOKED_AT", 2)
    blocked = task(perform, "Stuck", priority=2)
    perform("update_work_item", id=blocked, version=1, status="blocked", reason="No key")
    task(perform, "Free", priority=1)

    whole = perform("prime")["text"].split("Blocked:")[1]
    task(perform, "Free, too", priority=1)
    first = perform("prime")["text"].split("Blocked:")[1]

    assert f"{blocked} Stuck: No key" in whole
    assert "of the most urgent" not in whole
    assert first.splitlines()[1] == "- of the most urgent; all: list_work_items with blocked true"


@pytest.mark.processes
def test_prime_says_what_the_project_is_and_what_concerns_the_one_who_asks(perform: Perform) -> None:
    project = perform(
        "create_work_item", item_type="project", title="Invoice reader", description="Reads invoices", by="lead"
    )["id"]
    mine, other = (
        perform("create_work_item", item_type="task", title=title, parent_id=project, by="lead")["id"]
        for title in ("Mine", "License")
    )
    perform("create_work_item", item_type="task", title="For me", parent_id=project, assignee="agent-1", by="lead")
    perform("claim_work_item", action="claim", id=mine, by="agent-1", token="the-token-of-agent-1")
    perform("comment", id=mine, text="threshold 0.7: all 40 right", by="agent-1")
    perform("update_work_item", id=other, version=1, status="blocked", reason="the lead must approve", by="lead")

    text = perform("prime", by="agent-1")["text"]

    assert "Invoice reader: Reads invoices" in text
    assert "last remark: threshold 0.7: all 40 right" in text
    assert "yours until" in text.split("Mine")[0]
    assert "For me" in text.split("Assigned to you")[1].split("Ready")[0]
    assert "License: the lead must approve" in text.split("Blocked")[1]
    assert "WorkItemBlocked" in text.split("Changed since your last change")[1]
    assert "yours until" not in perform("prime", by="agent-2")["text"]
    assert "Your last change: WorkItemBlocked" in perform("prime", by="lead")["text"]
    assert "License; nothing since" in perform("prime", by="lead")["text"]


def test_the_prime_text_names_changes_of_what_has_no_title(perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="One", by="agent-1")
    perform("update_project_configuration", version=0, settings={"lease_minutes": 45}, by="lead")

    assert "- lead: ConfigurationChanged" in perform("prime", by="agent-1")["text"]
    assert "Your last change: ConfigurationChanged" in perform("prime", by="lead")["text"]


@pytest.mark.processes
def test_prime_says_whom_the_reader_asked_what_and_since_when(perform: Perform) -> None:
    whole = "May we buy the license? " + "It costs 1,200 a year. " * 20 + "Until Friday?"
    item = task(perform, "License")
    perform("question", action="ask", id=item, whom="lead", text=whole, by="agent-1")
    at = perform("query_work_item", id=item)["question"]["at"][:16].replace("T", " ")

    mine = perform("prime", by="agent-1")["text"]
    other = perform("prime", by="agent-2")["text"]

    assert f"You asked, and wait for:\n- {item} License: lead, since {at} UTC: {whole}\n" in mine
    assert "Blocked:" not in mine
    assert "You asked" not in other
    assert "waits for lead" in other.split("Blocked:")[1]


@pytest.mark.processes
def test_prime_says_when_what_the_project_is_was_not_written_down(perform: Perform) -> None:
    empty = perform("prime")["text"]
    project = perform("create_work_item", item_type="project", title="Invoice reader")["ref"]
    named = perform("prime")["text"]

    assert "It has no description yet: create_work_item with item_type project." in empty
    assert f"Project {project} Invoice reader: it has no description yet (update_work_item)" in named


@pytest.mark.processes
@pytest.mark.parametrize("text", ["why? " * 4000, HOSTILE * 20])
def test_prime_stays_short_whatever_was_asked(perform: Perform, text: str) -> None:
    for number in range(12):
        perform("question", action="ask", id=task(perform, f"Task {number}"), whom="*" * 100, text=text, by="agent-1")

    answer = perform("prime", by="agent-1")

    assert tokens(answer) <= PRIME_TOKENS
    assert re.search("\n- and [0-9]+ more\n", answer["text"])


@pytest.mark.processes
def test_prime_says_who_answered_what_and_why_since_the_reader_was_last_here(perform: Perform) -> None:
    color, ship, other = (
        perform("create_work_item", item_type="task", title=title) for title in ("Color", "Ship it", "Other")
    )
    perform("question", action="ask", id=color["id"], whom="kim", text="Which?", choices=["red", "blue"], by="lead")
    perform("question", action="ask", id=ship["id"], whom="kim", text="Now?", by="agent-1")
    for _ in range(8):
        perform("comment", id=other["id"], text="a remark\n# of *bob*", by="bob")
    perform("question", action="answer", id=color["id"], choice="blue", text="the\nlogo is <blue>", by="kim")
    perform("question", action="answer", id=ship["id"], verdict="refuse", text="x" * 500, by="kim")

    changed = perform("prime", by="agent-1")["text"].split("Changed since your last change")[1].splitlines()

    assert changed[1] == f"- kim: QuestionAnswered {color['ref']} Color: chose blue: the logo is &lt;blue>"
    assert changed[2].startswith(f"- kim: QuestionAnswered {ship['ref']} Ship it: refused: xxx")
    assert len(changed[2]) < 250
    assert changed[3] == f"- bob: CommentAdded {other['ref']} Other: a remark # of \\*bob\\*"


def test_prime_names_the_operations_that_are_not_listed_by_default_and_how_to_get_them(perform: Perform) -> None:
    line = next(line for line in perform("prime")["text"].splitlines() if line.startswith("6. Rarer"))

    named = set(re.findall(r"\w+", line)) & set(OPERATIONS)
    rarer = {name for name, operation in OPERATIONS.items() if not operation.by_default}
    assert named == rarer, "templates/prime.md.j2 names each operation that is not listed by default, and no other"
    assert "tracking-ledger mcp --toolset all" in line
    assert "tracking-ledger call NAME" in line


@pytest.mark.processes
def test_prime_and_the_list_name_all_that_a_blocked_item_waits_for(perform: Perform) -> None:
    waiting = task(perform, "Waiting")
    blockers = [task(perform, f"Blocker {number}") for number in range(6)]
    for blocker in blockers:
        perform("link_work_items", id=blocker, kind="blocks", to_id=waiting)
    perform("question", action="ask", id=waiting, whom="lead", text="May we?", by="agent-1")

    line = perform("prime", by="agent-2")["text"].split("Blocked:")[1].strip().splitlines()[0]
    [listed] = perform("list_work_items", blocked=True)["items"]

    named = [blocker for blocker in blockers if blocker in line]
    assert "waits for lead: May we?" in line
    assert (len(named), line.endswith("and 3 more")) == (3, True)
    assert [each["reason"] for each in listed["not_ready_because"]] == ["waiting", *["blocker"] * 4]
    assert (listed["not_ready_because"][0]["by"], listed["not_ready_more"]) == ("lead", 2)


@pytest.mark.processes
def test_prime_says_as_whom_it_was_asked_and_whom_else_there_is(perform: Perform) -> None:
    item = task(perform, "Held")
    perform("claim_work_item", action="claim", id=item, by="ann")

    named, unnamed = perform("prime", by="agent-1")["text"], perform("prime")["text"]

    assert "You are agent-1; without `by` you are " in named
    assert "also known here: ann." in named
    assert "without `by`" not in unnamed
