"""Attachments through the operations and the command, on a real PostgreSQL."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Refused
from ledger.settings import Settings
from tests.conftest import Perform
from tests.support.command_line import Run, runner

PULL = "https://github.com/o/r/pull/7"
COMMIT = "commit:84b0fb4c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60"


@pytest.fixture
def item(perform: Perform) -> str:
    """The reference of an item."""
    ref: str = perform("create_work_item", item_type="task", title="Read faxes")["ref"]
    return ref


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """run("attach", ...), in the folder of the project."""
    monkeypatch.chdir(settings.project)
    return runner(settings, LEDGER_PROJECT=".")  # the folder in which it is typed, or one above


@pytest.fixture
def plan(run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the project, `the plan.pdf`, in the folder in which commands are typed from then on."""
    folder = settings.project / "docs"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    (folder / "the plan.pdf").write_bytes(b"plan")
    return folder / "the plan.pdf"


def attached(perform: Perform, ref: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = perform("query_work_item", id=ref).get("attachments", [])
    return found


def urls(perform: Perform, ref: str) -> list[str]:
    return [one["url"] for one in attached(perform, ref)]


@pytest.mark.processes
def test_the_undo_of_an_attachment_takes_it_away_and_leaves_others(perform: Perform, item: str) -> None:
    perform("attach", id=item, url=PULL)
    mine = perform("attach", id=item, url=COMMIT, name="A door")

    undone = perform("undo", command=mine["command_id"])
    left = urls(perform, item)
    perform("undo", command=undone["command_id"])

    assert left == [PULL]
    assert [(one["url"], one.get("name")) for one in attached(perform, item)] == [(PULL, None), (COMMIT, "A door")]


@pytest.mark.processes
def test_the_undo_of_a_removal_and_of_a_new_name_restores_what_was_said(perform: Perform, item: str) -> None:
    perform("attach", id=item, url=PULL, name="One", by="ann")
    before = attached(perform, item)
    renamed = perform("attach", id=item, url=PULL, name="Two", by="ben")
    removed = perform("attach", id=item, url=PULL, remove=True)

    perform("undo", command=removed["command_id"])
    again = attached(perform, item)
    perform("undo", command=renamed["command_id"])

    assert [(one["name"], one["by"]) for one in again] == [("Two", "ben")]
    assert attached(perform, item) == before


@pytest.mark.processes
def test_an_undo_of_the_creation_does_not_hide_what_another_attached(perform: Perform, item: str) -> None:
    perform("attach", id=item, url=PULL, by="ann")

    with pytest.raises(Refused) as refused:
        perform("undo", id=item, version="1")

    assert refused.value.details["items"][0]["event"] == "AttachmentAdded"


def test_a_file_may_have_a_size_and_no_digest(perform: Perform, item: str) -> None:
    perform("attach", id=item, url="docs/theme.md", size=2310)

    [one] = attached(perform, item)
    assert (one["kind"], one["size"], one.get("sha256")) == ("file", 2310, None)


@pytest.mark.processes
def test_the_command_attaches_a_file_by_its_path_with_its_digest(
    run: Run, perform: Perform, item: str, plan: Path
) -> None:
    said = run("attach", item, "the plan.pdf")

    assert said.output == f"{item}  docs/the%20plan.pdf\n"
    [one] = attached(perform, item)
    assert (one["url"], one["kind"], one["name"]) == ("docs/the%20plan.pdf", "file", "the plan.pdf")
    assert (one["size"], one["sha256"]) == (4, hashlib.sha256(b"plan").hexdigest())
    assert "docs/the%20plan.pdf" in run("show", item).output


@pytest.mark.processes
def test_the_command_takes_a_file_away_that_is_not_there_any_more(
    run: Run, perform: Perform, item: str, plan: Path
) -> None:
    run("attach", item, "the plan.pdf")
    plan.unlink()

    gone = run("attach", item, "the plan.pdf", "--remove")

    assert gone.output == f"{item}  without docs/the%20plan.pdf\n"
    assert (gone.exit_code, urls(perform, item)) == (0, [])


@pytest.mark.processes
def test_the_command_says_that_what_it_should_take_away_is_not_attached(run: Run, perform: Perform, item: str) -> None:
    run("attach", item, PULL)

    wrong = run("attach", item, PULL + "8", "--remove")

    assert wrong.output == f"{item}  nothing to change: it has no {PULL}8\n"
    assert urls(perform, item) == [PULL]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("where", "options", "kind"),
    [(PULL, (), "pull_request"), (COMMIT, (), "commit"), ("https://x.org", ("--kind", "document"), "document")],
)
def test_the_command_attaches_what_is_elsewhere_by_its_url(
    run: Run, perform: Perform, item: str, where: str, options: tuple[str, ...], kind: str
) -> None:
    said = run("attach", item, where, *options)

    assert (said.exit_code, said.output) == (0, f"{item}  {where}\n")
    assert [(one["url"], one["kind"]) for one in attached(perform, item)] == [(where, kind)]
    assert run("attach", item, where, "--remove").output == f"{item}  without {where}\n"
    assert urls(perform, item) == []


@pytest.mark.processes
def test_the_command_takes_a_url_that_is_too_long_for_a_file(run: Run, perform: Perform, item: str) -> None:
    where = "https://example.org/" + "a" * 300

    assert run("attach", item, where).exit_code == 0
    assert run("attach", item, where).output == f"{item}  nothing to change: {where}\n"
    assert urls(perform, item) == [where]


@pytest.mark.parametrize("where", ["two words.pdf", "/no/such/file", "docs/mistyped.md"])
def test_the_command_names_what_is_no_url_and_no_file(run: Run, perform: Perform, item: str, where: str) -> None:
    wrong = run("attach", item, where)

    assert wrong.exit_code == 2
    assert "url" in wrong.output.lower()
    assert urls(perform, item) == []


@pytest.mark.processes
def test_a_commit_is_attached_by_its_hash_alone(run: Run, perform: Perform, item: str) -> None:
    said = run("attach", item, "84b0fb4")
    perform("attach", id=item, url="a" * 40)

    assert said.output == f"{item}  commit:84b0fb4\n"
    assert {one["url"]: one["kind"] for one in attached(perform, item)} == {
        "commit:84b0fb4": "commit",
        f"commit:{'a' * 40}": "commit",
    }
    assert run("attach", item, "84b0fb4", "--remove").output == f"{item}  without commit:84b0fb4\n"
    assert run("link", item, "https://example.org/x").output.endswith(f"attach {item} https://example.org/x\n")


@pytest.mark.parametrize(
    "words", [COMMIT, COMMIT[7:], COMMIT[7:14], PULL, "github.com/o/r/pull/7", "the blue door"], ids=str
)
def test_an_item_is_found_by_the_url_the_commit_and_the_name_of_what_is_attached(
    perform: Perform, item: str, words: str
) -> None:
    perform("create_work_item", item_type="task", title="Another one")
    perform("attach", id=item, url=COMMIT, name="The blue door")
    perform("attach", id=item, url=PULL)

    found = perform("list_work_items", text=words)["items"]

    assert [one["ref"] for one in found] == [item]


@pytest.mark.processes
def test_items_are_listed_by_the_kind_of_what_is_attached(run: Run, perform: Perform, item: str) -> None:
    other = perform("create_work_item", item_type="task", title="Other")["ref"]
    perform("attach", id=item, url=PULL)
    perform("attach", id=item, url=PULL + "1")
    perform("attach", id=other, url=COMMIT)

    def refs(kind: str, *options: str) -> list[str]:
        return [one["ref"] for one in json.loads(run("list", "--attachment", kind, "--json", *options).stdout)["items"]]

    assert (refs("pull_request"), refs("commit"), refs("file")) == ([item], [other], [])
    assert refs("commit", "--mine") == []
    assert perform("list_work_items", attachment="commit", text="other")["items"][0]["ref"] == other
    perform("attach", id=other, url=COMMIT, remove=True)
    assert perform("list_work_items", attachment="commit")["items"] == []
