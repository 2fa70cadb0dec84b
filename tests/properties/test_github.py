"""Whatever both sides do, and whatever fails on the way: in the end a ledger and a repository agree, or a conflict is
listed; nothing is lost, nothing is there twice, and a further run does nothing.

A history follows from its seed. `LEDGER_TEST_EXAMPLES=all` tries 40 of them, a usual run three, and
`LEDGER_TEST_HISTORIES=300` as many as it says.
"""

import os
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ledger.errors import LedgerError
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.transfer.github import run as runs
from projections.transfer.github.exchange import Exchange
from projections.transfer.github.terms import Terms
from tests.support.examples import ALL
from tests.support.github_api import CUT, OWNER, Fault, GithubApi
from tests.support.kills import Killed
from tests.support.long_cases import long_cases

SEEDS = range(int(os.environ.get("LEDGER_TEST_HISTORIES", 40 if ALL else 3)))
STEPS = 30
REASONS = {"completed": "completed", "not planned": "not_planned", "duplicate": "duplicate"}
FAULTS: tuple[Callable[[random.Random], Fault], ...] = (
    lambda chance: Fault(CUT, carried_out=chance.random() < 0.5),
    lambda chance: Fault(502, carried_out=chance.random() < 0.5),
    lambda chance: Fault(403, headers={"Retry-After": "1"}, message="You have exceeded a secondary rate limit"),
    lambda chance: Fault(429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}),
)


def github_id(github: GithubApi, number: int) -> int:
    own: int = github.issues[number]["id"]
    return own


class History:
    """What people do on both sides, and runs in between that fail."""

    def __init__(self, seed: int, app: App, github: GithubApi, kill: Callable[[float], None]) -> None:
        self.chance = random.Random(seed)
        self.app, self.github, self._kill = app, github, kill
        self.said: set[str] = set()  # in comments that were not deleted
        self._words = iter(range(1, 100_000))
        github.most_per_page = self.chance.choice([3, 5, 100])
        github.tick = self.chance.choice([0, 1, 1])

    def perform(self, name: str, **arguments: Any) -> Any:
        return OPERATIONS[name].perform(self.app, arguments)

    def step(self) -> None:
        self.chance.choices((self.there, self.here, self.synchronise, self.decide), weights=(45, 35, 15, 5), k=1)[0]()

    def there(self) -> None:
        github, chance = self.github, self.chance
        numbers = [number for number, issue in github.issues.items() if "pull_request" not in issue]
        if not numbers or chance.random() < 0.2:
            github.open_issue(self.word("there"), chance.choice([None, self.word("body")]), labels=self.labels())
            return
        number = chance.choice(numbers)
        match chance.randrange(15):
            case 0 | 1:
                github.edit(number, title=self.word("there"))
            case 2:
                github.edit(number, body=self.word("body"))
            case 3:
                github.edit(number, state="closed", state_reason=chance.choice(["completed", "not_planned"]))
            case 4:
                github.edit(number, state="open")
            case 5:
                github.edit(number, labels=self.labels())
            case 6:
                github.edit(number, assignees=chance.sample(["ann", "bob"], chance.randrange(3)))
            case 7:
                github.comment(number, self.comment())
            case 11:
                if len(github.milestones) < 3:
                    github.open_milestone(self.word("milestone"), due_on=self.day_on_github())
                github.edit(number, milestone=chance.choice([None, *github.milestones]))
            case 12 | 13 if github.milestones:
                self._milestone_there(chance.choice(list(github.milestones)))
            case 9 | 10 if len(numbers) > 1:
                self._relate_there(number, chance.choice(numbers))
            case 8 if chance.random() < 0.3:
                for one in github.of_issue(number):
                    self.said.discard(_text(one["body"]))
                github.delete_issue(number)
            case _:
                github.open_pull_request(self.word("pull"), f"Fixes #{number}")

    def day_on_github(self) -> str | None:
        return self.chance.choice([None, f"2027-01-{self.chance.randrange(10, 30)}T08:00:00Z"])

    def _milestone_there(self, number: int) -> None:
        fields: dict[str, Any] = self.chance.choice(
            [
                {"title": self.word("milestone")},
                {"description": self.word("body")},
                {"due_on": self.day_on_github()},
                {"state": self.chance.choice(["open", "closed"])},
            ]
        )
        self.github.edit_milestone(number, **fields)

    def _milestone_here(self, milestone: dict[str, Any]) -> None:
        fields: dict[str, Any] = self.chance.choice(
            [
                {"title": self.word("milestone")},
                {"description": self.word("body")},
                {"due": f"2027-02-{self.chance.randrange(10, 28)}"},
                {"status": self.chance.choice(["completed", "active"])},
            ]
        )
        self.perform("update_work_item", id=milestone["id"], version=milestone["version"], **fields)

    def _relate_there(self, number: int, other: int) -> None:
        """As GitHub lets people do it: through its own rules."""
        own, github = github_id(self.github, other), self.github
        match self.chance.randrange(4):
            case 0:
                github.set_parent(number, None)
            case 1:
                github.blocks = {pair for pair in github.blocks if number not in pair}
            case 2:
                github.relate("POST", number, "sub_issues", {"sub_issue_id": own, "replace_parent": True})
            case _:
                github.relate("POST", number, "dependencies/blocked_by", {"issue_id": own})

    def _relate_here(self, item: dict[str, Any], other: str) -> None:
        """As the ledger lets people do it."""
        try:
            match self.chance.randrange(4):
                case 0:
                    self.perform("update_work_item", id=item["id"], version=item["version"], clear=["parent_id"])
                case 1:
                    for link in (one for one in item["links"] if one["kind"] == "blocks"):
                        self.perform("link_work_items", id=item["id"], kind="blocks", to_id=link["to_id"], remove=True)
                case 2:
                    self.perform("update_work_item", id=item["id"], version=item["version"], parent_id=other)
                case _:
                    self.perform("link_work_items", id=item["id"], kind="blocks", to_id=other)
        except LedgerError as refused:
            assert refused.code in ("refused", "invalid"), refused

    def here(self) -> None:
        chance = self.chance
        listed = self.perform("list_work_items", limit=100)["items"]
        milestones = [item for item in listed if item["item_type"] == "milestone"]
        items = [item for item in listed if item["item_type"] != "milestone"]
        if milestones and chance.random() < 0.1:
            self._milestone_here(self.perform("query_work_item", id=chance.choice(milestones)["id"]))
            return
        if not items or chance.random() < 0.2:
            self.perform("create_work_item", item_type="task", title=self.word("here"), tags=self.labels())
            return
        item = self.perform("query_work_item", id=chance.choice(items)["id"])
        fields: dict[str, Any] = {}
        match chance.randrange(10):
            case 8:
                if len(milestones) < 3:
                    self.perform("create_work_item", item_type="milestone", title=self.word("milestone"))
                    return
                fields = {"milestone_id": chance.choice(milestones)["id"]}
            case 0 | 1:
                fields = {"title": self.word("here")}
            case 2:
                fields = {"description": self.word("body")}
            case 3:
                fields = {"status": chance.choice(["completed", "active"])}
            case 4:
                fields = {"tags": self.labels()}
            case 5:
                fields = {"assignee": chance.choice(["ann", "bob", None])}
            case 6 | 7:
                self._relate_here(item, chance.choice(items)["id"])
                return
            case _:
                self.perform("comment", id=item["id"], text=self.comment())
                return
        try:
            self.perform("update_work_item", id=item["id"], version=item["version"], **fields)
        except LedgerError as refused:
            assert refused.code == "refused", "completed over children or blockers"

    def decide(self) -> None:
        for conflict in self.perform("sync_state")["items"]:
            choice = self.chance.choice(["mine", "theirs"])
            self.perform("resolve_conflict", id=conflict["ref"], version=conflict["version"], choice=choice)

    def synchronise(self) -> None:
        """With faults, changes by others while it reads, and an end in the middle."""
        share = self.chance.choice([0.0, 0.1, 0.3])
        self.github.faults = lambda method, path: (
            self.chance.choice(FAULTS)(self.chance) if self.chance.random() < share else None
        )
        meanwhile = iter(range(self.chance.randrange(4)))
        self.github.between_pages = lambda: self.there() if next(meanwhile, None) is not None else None
        self._kill(self.chance.choice([0.0, 0.1]))
        terms = self.chance.choice([{}, {}, {"push": False}, {"pull": False}, {"full": True}])
        try:
            self.run(**terms)
        except (LedgerError, Killed):
            return
        finally:
            self.github.faults = lambda method, path: None
            self.github.between_pages = lambda: None
            self._kill(0.0)

    def run(self, **terms: Any) -> runs.Report:
        wanted = runs.Synchronisation(repository=OWNER, url=self.github.url, terms=Terms(**terms))
        return wanted.run(self.app, sleep=lambda _: None)

    def word(self, kind: str) -> str:
        return f"{kind} {next(self._words)}"

    def labels(self) -> list[str]:
        return self.chance.sample(["a", "b", "c", "d"], self.chance.randrange(4))

    def comment(self) -> str:
        text = self.word("comment")
        self.said.add(text)
        return text


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """kill(0.1): one record in ten is the last thing that its run does not do."""
    chance, share = random.Random(0), [0.0]
    record = Exchange._record

    def perhaps(self: Exchange, *arguments: Any) -> None:
        if chance.random() < share[0]:
            raise Killed
        record(self, *arguments)

    monkeypatch.setattr(Exchange, "_record", perhaps)
    return lambda new: share.__setitem__(0, new)


@long_cases("seed", SEEDS)
def test_both_sides_agree_or_a_conflict_is_listed(
    seed: int, app: App, github: GithubApi, kill: Callable[[float], None]
) -> None:
    history = History(seed, app, github, kill)
    for _ in range(STEPS):
        history.step()

    report = history.run(full=True)

    _assert_the_same(history, named=_named(report))
    github.now += timedelta(minutes=10)
    history.run()
    head = app.store.read_streams([]).head
    github.requests.clear()
    report = history.run()
    relations = 3  # what an issue blocks, what blocks it, and what lies below it
    waiting = (2 + relations) * (len(report["conflicts"]) + len(_named(report)))  # each issue, with its comments
    assert (github.writes(), app.store.read_streams([]).head) == (0, head)
    pages = len(github.milestones) // github.most_per_page  # more than one of milestones are read each time
    assert len(github.requests) <= 4 + waiting + pages


def _assert_the_same(history: History, named: set[str]) -> None:
    github = history.github
    items = history.perform("list_work_items", limit=100, include_archived=True)["items"]
    found = [history.perform("query_work_item", id=item["id"]) for item in items]
    milestones = [item for item in found if item["item_type"] == "milestone"]
    found = [item for item in found if item["item_type"] != "milestone"]
    by_name = {item["external_id"]: item for item in found}
    issues = {f"{OWNER}#{n}": issue for n, issue in github.issues.items() if "pull_request" not in issue}
    gone = {name for name, item in by_name.items() if "github_gone" in item["metadata"]}
    assert len(by_name) == len(found), "an item that is no issue"
    assert by_name.keys() - gone == issues.keys()
    assert history.said <= {comment["text"] for item in found for comment in item["comments"]}
    conflicts = {
        (ref, met["field"])
        for conflict in history.perform("sync_state")["items"]
        for met in conflict["met"]
        for ref in conflict["about"]
    }
    _assert_the_same_milestones(milestones, github, conflicts)
    of_milestones = {item["id"]: int(item["external_id"].rpartition("/")[2]) for item in milestones}
    names = {item["id"]: item["external_id"] for item in found}
    for name, issue in issues.items():
        item = by_name[name]
        for field, values in _sides(item, issue).items():
            assert values[0] == values[1] or (item["ref"], field) in conflicts, (name, field, values)
        for field, values in _relations(item, github, names, gone).items():
            is_told = (item["ref"], field) in conflicts or name in named
            assert values[0] == values[1] or is_told, (name, field, values)
        planned = (of_milestones.get(item["milestone_id"]), issue["milestone"])
        assert planned[0] == planned[1] or (item["ref"], "milestone_id") in conflicts, (name, planned)
        here = Counter(comment["text"] for comment in item["comments"])
        there = Counter(_text(comment["body"]) for comment in github.of_issue(issue["number"]))
        assert here == there, name
        assert all(count == 1 for count in here.values()), here


def _sides(item: dict[str, Any], issue: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    closed = issue["state_reason"] if issue["state"] == "closed" else "open"
    state = "open" if item["category"] not in ("done", "dropped") else REASONS[item["status"]]
    logins = [person["login"] for person in issue["assignees"]]
    body = re.sub(r"\s*<!-- tracking-ledger: \S+ -->\Z", "", issue["body"] or "")
    return {
        "title": (item["title"], issue["title"]),
        "description": (item["description"] or "", body),
        "status": (state, closed),
        "tags": (set(item["tags"]), {label["name"] for label in issue["labels"]}),
        "assignee": (item["assignee"] in logins, True) if item["assignee"] else (logins, []),
    }


def _assert_the_same_milestones(
    milestones: list[dict[str, Any]], github: GithubApi, conflicts: set[tuple[str, str]]
) -> None:
    known = {int((item["external_id"] or "/0").rpartition("/")[2]): item for item in milestones}
    assert (len(known), known.keys()) == (len(milestones), github.milestones.keys())
    for number, there in github.milestones.items():
        item = known[number]
        sides = {
            "title": (item["title"], there["title"]),
            "description": (item["description"] or "", there["description"] or ""),
            "due": (item["due"], (there["due_on"] or "")[:10] or None),
            "status": (item["category"] in ("done", "dropped"), there["state"] == "closed"),
        }
        for field, (here, other) in sides.items():
            assert here == other or (item["ref"], field) in conflicts, (number, field, here, other)


def _relations(
    item: dict[str, Any], github: GithubApi, names: dict[str, str], gone: set[str]
) -> dict[str, tuple[Any, Any]]:
    number = int(item["external_id"].rpartition("#")[2])
    parent, up = names.get(item["parent_id"]), github.parents.get(number)
    links = {names[link["to_id"]] for link in item["links"] if link["kind"] == "blocks"}
    return {
        "parent_id": (None if parent in gone else parent, f"{OWNER}#{up}" if up else None),
        "links": (links - gone, {f"{OWNER}#{other}" for one, other in github.blocks if one == number}),
    }


def _named(report: runs.Report) -> set[str]:
    """The issues of which something was named as not exchanged."""
    return {
        name
        for found in report["findings"]
        if found["kind"] in ("declined_there", "cycle_here")
        for where in found["where"]
        for name in re.findall(rf"{OWNER}#[0-9]+", where)
    }


def _text(body: str) -> str:
    """What was said, without what a sent comment has around it."""
    found = re.search(r"comment \d+", body)
    assert found is not None, body
    return found[0]
