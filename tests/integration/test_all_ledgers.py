"""Several ledgers of one user, shown together: each row says its ledger, one that is away keeps nothing from sight."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.questions.work import searches
from tests.support.command_line import run
from tests.support.long_cases import long_cases
from tests.support.tcp_gate import Gate


def perform(settings: Settings, name: str, **arguments: Any) -> dict[str, Any]:
    app = App(settings)
    try:
        return OPERATIONS[name].perform(app, arguments)
    finally:
        app.close()


def item(settings: Settings, title: str, **fields: Any) -> dict[str, Any]:
    return perform(settings, "create_work_item", item_type="task", title=title, **fields)


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Settings:
    """A second ledger of the same user."""
    project = tmp_path / "shop"
    project.mkdir()
    identity.create(project)
    return replace(settings, project=project)


@pytest.fixture
def both(settings: Settings, other: Settings) -> tuple[Settings, Settings]:
    item(settings, "Guide for users", priority=2)
    item(settings, "Later", priority=5)
    item(other, "Guide for buyers", priority=1)
    return settings, other


@long_cases(
    "words, titles",
    [
        (["list"], ["Guide for buyers", "Guide for users", "Later"]),
        (["list", "--sort", "created"], ["Guide for buyers", "Later", "Guide for users"]),
        (["list", "-n", "2"], ["Guide for buyers", "Guide for users"]),
        (["ready"], ["Guide for buyers", "Guide for users", "Later"]),
        (["search", "guide"], ["Guide for users", "Guide for buyers"]),
    ],
)
def test_rows_of_all_ledgers_come_in_one_order_and_say_their_ledger(
    both: tuple[Settings, Settings], words: list[str], titles: list[str]
) -> None:
    answered = json.loads(run(both[0], *words, "--all", "--json").stdout)
    shown = run(both[1], *words, "--all").stdout

    assert [found["title"] for found in answered["items"]] == titles
    assert {found["ledger"]: Path(found["project"]) for found in answered["items"]} == {
        "project": both[0].project,
        "shop": both[1].project,
    }
    assert [line.split()[0] for line in shown.splitlines()[1:]] == [found["ledger"] for found in answered["items"]]


@pytest.mark.processes
def test_a_ledger_whose_items_were_not_all_searched_says_so(
    both: tuple[Settings, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    item(both[0], "Guide for administrators")
    monkeypatch.setattr(searches, "COMMON", 1)
    monkeypatch.setattr(searches, "LOOKED_AT", 1)

    shown = run(both[0], "search", "guide", "--all")
    answered = json.loads(run(both[0], "search", "guide", "--all", "--json").stdout)

    assert "project: more than 1 items have these words, so only the 1 that changed last were searched" in shown.stderr
    assert "shop: more than" not in shown.stderr
    said = {ledger["name"]: set(ledger) & {"total_is_at_least", "next_step"} for ledger in answered["ledgers"]}
    assert said == {"project": {"total_is_at_least", "next_step"}, "shop": set()}


@pytest.mark.processes
def test_what_waits_for_a_person_is_found_in_all_ledgers(both: tuple[Settings, Settings]) -> None:
    for settings in both:
        asked = item(settings, "Ask")
        perform(settings, "question", action="ask", id=asked["id"], whom="tester", text="Now?")

    answered = json.loads(run(both[0], "needs-me", "--all", "--by", "tester", "--json").stdout)

    assert [found["ledger"] for found in answered["items"]] == ["project", "shop"]


@pytest.mark.processes
def test_one_whose_folder_is_gone_is_named_and_the_others_are_shown(both: tuple[Settings, Settings]) -> None:
    shutil.rmtree(both[1].project)

    ended = run(both[0], "list", "--all")
    answered = json.loads(run(both[0], "list", "--all", "--json").stdout)

    assert ended.exit_code == 0
    assert "shop is not shown: there is no folder" in ended.stderr
    assert [found["title"] for found in answered["items"]] == ["Guide for users", "Later"]
    assert [ledger["name"] for ledger in answered["ledgers"] if "error" in ledger] == ["shop"]
    assert run(both[0], "ledgers", "forget", "shop").exit_code == 0
    assert "shop" not in run(both[0], "list", "--all").stderr


@pytest.mark.processes
def test_one_whose_database_is_away_answers_from_this_machine_s_copy(settings: Settings, other: Settings) -> None:
    gate = Gate(str(settings.dsn))
    behind = [replace(one, dsn=gate.dsn) for one in (settings, other)]
    for one in behind:
        item(one, one.project.name)
        assert run(one, "sync").exit_code == 0

    gate.close()
    answered = json.loads(run(behind[0], "list", "--all", "--json").stdout)

    assert [found["title"] for found in answered["items"]] == ["project", "shop"]
    assert ["this machine's own copy" in ledger["note"] for ledger in answered["ledgers"]] == [True, True]


@pytest.mark.processes
def test_a_ledger_is_never_asked_of_a_database_that_is_not_its_own(
    both: tuple[Settings, Settings], owner_dsn: str, tmp_path: Path
) -> None:
    run(both[1], "sync")
    elsewhere = f"{both[0].dsn} application_name=elsewhere"  # another string: maybe another server

    run(both[0], "list", LEDGER_DSN=elsewhere)
    for _ in range(2):  # to have been asked once changes nothing
        answered = json.loads(run(both[0], "list", "--all", "--json", LEDGER_DSN=elsewhere).stdout)

    notes = {ledger["name"]: ledger.get("note", "") for ledger in answered["ledgers"]}
    assert notes["project"] == ""
    assert "LEDGER_DSN does not lead to its own database" in notes["shop"]  # set or not
    assert answered["items"][0]["title"] == "Guide for buyers"


@pytest.mark.processes
def test_outside_of_any_project_they_are_shown_too(both: tuple[Settings, Settings], tmp_path: Path) -> None:
    ended = run(replace(both[0], project=tmp_path), "list", "--all", "--json")

    assert len(json.loads(ended.stdout)["items"]) == 3


def test_no_password_of_a_database_is_kept(settings: Settings) -> None:
    secret = replace(settings, dsn=f"{settings.dsn} password=confidential")

    item(secret, "One")

    assert settings.home is not None
    kept = [file.read_text() for file in (settings.home / "projects").iterdir()]
    assert len(kept) == 1 and "confidential" not in kept[0]


@pytest.mark.parametrize("words", [["--mine"], ["--page", "2"], ["--parent", "w-abcde"]])
def test_what_belongs_to_one_ledger_is_refused(both: tuple[Settings, Settings], words: list[str]) -> None:
    assert run(both[0], "list", "--all", *words).exit_code == 2


@pytest.mark.processes
def test_a_link_into_another_ledger_is_shown_and_taken_away_also_while_that_is_gone(
    both: tuple[Settings, Settings],
) -> None:
    here, there = item(both[0], "Here"), item(both[1], "There")
    linked = run(both[0], "link", here["ref"], "relates-to", there["ref"], "--in", "shop")
    shutil.rmtree(both[1].project)

    shown = json.loads(run(both[0], "show", here["ref"], "--json").stdout)["attachments"]
    removed = run(both[0], "link", here["ref"], "relates-to", there["ref"], "--in", "shop", "--remove")

    assert linked.exit_code == 0, linked.stderr
    assert [(one["kind"], one["name"]) for one in shown] == [("item", f"{there['ref']} in shop: There")]
    assert shown[0]["url"].endswith(f"/{there['id']}")
    assert removed.exit_code == 0, removed.stderr
    assert "attachments" not in json.loads(run(both[0], "show", here["ref"], "--json").stdout)


@long_cases("way", ["{0.name}", "{0}", "../{0.name}", "{0}/"])
def test_another_ledger_is_named_by_its_folder_in_every_spelling(
    both: tuple[Settings, Settings], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (item(settings, "End")["ref"] for settings in both)
    identity.rewrite(replace(identity.find(both[1].project), name="store"))
    run(both[1], "list")
    monkeypatch.chdir(both[0].project)

    linked = run(both[0], "link", here, "relates-to", there, "--in", way.format(both[1].project))

    assert linked.exit_code == 0, linked.stderr


@pytest.mark.processes
def test_an_unknown_ledger_is_answered_with_those_that_there_are(both: tuple[Settings, Settings]) -> None:
    refused = run(both[0], "link", item(both[0], "End")["ref"], "relates-to", "w-abcde", "--in", "nowhere")

    assert "none of the ledgers on this machine (2) is called 'nowhere'" in refused.stderr
    assert "project, shop" in refused.stderr


@pytest.mark.processes
def test_without_any_answer_all_ledgers_say_so(both: tuple[Settings, Settings]) -> None:
    assert "nothing in any of 2 ledgers" in run(both[0], "needs-me", "--all").stderr


def test_the_beginning_of_an_option_leads_to_the_whole(settings: Settings) -> None:
    assert "--with-finished" in run(settings, "list", "--with").stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    "words, over", [(("list", "--with-finished"), ("done",)), (("search", "--with-archived", "guide"), ("delete",))]
)
def test_what_is_over_is_shown_of_all_ledgers_if_it_is_asked_for(
    both: tuple[Settings, Settings], words: tuple[str, ...], over: tuple[str, ...]
) -> None:
    ref = item(both[1], "Guide of old")["ref"]
    assert run(both[1], *over, ref).exit_code == 0

    found = json.loads(run(both[0], *words, "--all", "--json").stdout)["items"]
    fewer = json.loads(run(both[0], words[0], *words[2:], "--all", "--json").stdout)["items"]

    assert {one["ref"] for one in found} - {one["ref"] for one in fewer} == {ref}


@pytest.mark.processes
def test_a_view_of_all_ledgers_is_kept_as_one(both: tuple[Settings, Settings]) -> None:
    run(both[0], "list", "--all", "-p", "1", "--save", "urgent")

    shown = run(both[0], "list", "--view", "urgent")

    assert ("Guide for buyers" in shown.stdout, shown.exit_code) == (True, 0), shown.stderr


@pytest.mark.processes
def test_what_cannot_be_linked_to_in_another_ledger_is_refused(both: tuple[Settings, Settings]) -> None:
    here = item(both[0], "Here")["ref"]

    assert run(both[0], "link", here, "blocks", "w-abcde", "--in", "shop").exit_code == 2
    assert run(both[0], "link", here, "relates-to", "w-abcde", "--in", "nowhere").exit_code == 3
    missing = run(both[0], "link", here, "relates-to", "w-abcde", "--in", "shop")
    assert (missing.exit_code, "no work item w-abcde in shop" in missing.stderr) == (3, True)


@pytest.mark.processes
def test_a_link_is_found_again_under_the_ledgers_new_name(both: tuple[Settings, Settings]) -> None:
    here, there = item(both[0], "Here"), item(both[1], "There")
    run(both[0], "link", here["ref"], "relates-to", there["ref"], "--in", "shop")
    identity.rewrite(replace(identity.find(both[1].project), name="store"))
    run(both[1], "list")

    removed = run(both[0], "link", here["ref"], "relates-to", there["ref"], "--in", "store", "--remove")

    assert removed.exit_code == 0, removed.stderr
    assert "attachments" not in json.loads(run(both[0], "show", here["ref"], "--json").stdout)


@pytest.mark.processes
def test_ledgers_of_one_name_are_told_apart_by_their_folders(both: tuple[Settings, Settings]) -> None:
    identity.rewrite(replace(identity.find(both[1].project), name=identity.find(both[0].project).name))
    run(both[1], "list")

    ended = run(both[0], "list", "--all")

    folders = [str(settings.project) for settings in both]
    assert [line.split()[0] for line in ended.stdout.splitlines()[1:]] == [folders[1], folders[0], folders[0]]
    assert run(both[0], "ledgers", "forget", folders[1]).exit_code == 0
