"""A folder that has no ledger yet: every way in says so, names the folder, and what to do; none uses another folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.errors import NoLedger
from ledger.settings import Settings
from projections.cli.main import COMMANDS, cli
from projections.operations.base import Operation
from projections.operations.catalog import OPERATIONS
from tests.integration.test_mcp_arguments import required
from tests.support.command_line import run
from tests.support.long_cases import long_cases
from tests.support.mcp_client import HANDSHAKES, STATELESS, McpClient, served, server_process

PIPED = '[{"op": "create", "item_type": "task", "title": "Piped"}]'
NEEDS_NONE = {"completion", "demo", "init", "operations", "prime", "mcp", "doctor", "ledgers", "databases"}
LINES = {
    "changes": ["--since", "0"],
    "rebuild": ["--from-journal"],
    "diff": ["w-7k3qd", "v1"],
    "bulk": ["-"],
    "call": ["list_work_items"],
    "import": ["git"],
    "export": ["events"],
    "resolve": ["x-7k3qd", "mine"],
    "move": ["w-7k3qd", "--top"],
    "block": ["w-7k3qd", "--reason", "why"],
    "edit": ["w-7k3qd", "--priority", "1"],
    "erase": ["w-7k3qd"],
    "link": ["w-7k3qd", "blocks", "w-7k3qe"],
}  # what a command needs to be complete, where a reference for each of its arguments is not enough


@pytest.fixture
def empty(tmp_path: Path, settings: Settings) -> Settings:
    (folder := tmp_path / "empty" / "project").mkdir(parents=True)
    return replace(settings, project=folder)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[tuple[Path, McpClient]]:
    """A folder without a ledger, and one server there for all the calls that leave it as it is."""
    (folder := tmp_path_factory.mktemp("empty") / "project").mkdir()
    with served(Settings(project=folder, dsn=dsn, home=folder.parent / "home", pgdata=folder.parent)) as client:
        yield folder, client


def line(name: str) -> list[str]:
    """The command with what it needs; of a group the first of its commands."""
    command = cli.get_command(click.Context(cli), name)
    words = [name]
    while isinstance(command, click.Group):
        words.append(sorted(command.commands)[0])
        command = command.commands[words[-1]]
    assert command is not None
    needed = [given for given in command.params if isinstance(given, click.Argument) and given.required]
    return [name, *LINES[name]] if name in LINES else words + ["w-7k3qd"] * len(needed)


def names(tools: list[dict[str, Any]]) -> list[str]:
    return [tool["name"] for tool in tools]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_every_tool_but_prime_answers_no_ledger_and_how_to_make_one(
    asked: tuple[Path, McpClient], operation: Operation
) -> None:
    if operation.name == "prime":
        pytest.skip("works without one, as tested below")
    folder, client = asked

    refusal = client.refusal(operation.name, **required(operation))

    assert refusal["code"] == "no_ledger"
    assert refusal["details"]["folder"] == str(folder)
    assert f"call create_ledger with folder {folder}" in refusal["next_step"]
    assert "--project" in refusal["next_step"]
    assert not (folder / ".ledger").exists()


@pytest.mark.processes
def test_prime_works_without_a_ledger_and_says_so(empty: Settings) -> None:
    with served(empty) as client:
        answer = client.call("prime")
        resource = client.request("resources/read", {"uri": "ledger://prime"})["contents"][0]["text"]

    assert "No ledger yet" in answer["text"]
    assert str(empty.project) in answer["text"]
    assert "create_ledger" in resource
    assert (answer["position"], answer["folder"]) == (None, str(empty.project))


@long_cases("revision", HANDSHAKES)
def test_a_ledger_is_made_by_a_tool_that_is_listed_only_before_and_then_everything_works(
    empty: Settings, revision: str
) -> None:
    with served(empty, revision=revision) as client:
        before = client.tools()
        made = client.call("create_ledger", folder=str(empty.project), name="Invoice reader")
        client.note("notifications/tools/list_changed")
        after = client.tools()
        item = client.call("create_work_item", item_type="task", title="The first")
        again = client.call("create_ledger", folder=str(empty.project))

    assert names(before)[0] == "create_ledger"
    assert names(after) == names(before)[1:]
    assert (made["outcome"], made["name"]) == ("created", "Invoice reader")
    assert identity.find(empty.project).name == "Invoice reader"
    assert item["outcome"] == "committed"
    assert again["outcome"] == "unchanged"
    assert again["ledger"] == made["ledger"]


@pytest.mark.processes
def test_a_client_without_a_handshake_hears_that_the_list_changed(empty: Settings) -> None:
    with served(empty, revision=STATELESS) as client:
        before = client.request("tools/list", {})
        client.send("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
        client.note("notifications/subscriptions/acknowledged")
        client.call("create_ledger", folder=str(empty.project))
        client.note("notifications/tools/list_changed")
        after = client.request("tools/list", {})

    assert before["ttlMs"] == 0
    assert after["ttlMs"] > 0
    assert "create_ledger" not in names(after["tools"])


@pytest.mark.processes
def test_a_ledger_made_in_a_terminal_is_found_by_the_running_server(empty: Settings) -> None:
    with served(empty) as client:
        client.refusal("list_work_items")
        client.tools()
        identity.create(empty.project)
        found = client.call("list_work_items")
        client.note("notifications/tools/list_changed")

    assert found["total_count"] == 0


def test_another_folder_than_the_server_s_own_gets_no_ledger(empty: Settings, tmp_path: Path) -> None:
    with served(empty) as client:
        refusal = client.refusal("create_ledger", folder=str(tmp_path))

    assert (refusal["code"], refusal["details"]["rule"]) == ("refused", "other_folder")
    assert str(empty.project) in refusal["message"]
    assert f"--project {tmp_path}" in refusal["next_step"]
    assert not (tmp_path / ".ledger").exists()
    assert not (empty.project / ".ledger").exists()


@long_cases("place", ["home", "root", "nowhere"])
def test_a_folder_that_is_no_project_s_is_offered_no_ledger(
    empty: Settings, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(empty.project))
    folder = {"home": empty.project, "root": Path("/"), "nowhere": empty.project / "${workspaceFolder}"}[place]
    with served(empty, extra={"LEDGER_PROJECT": str(folder)}) as client:
        listed = names(client.tools())
        refusal = client.refusal("list_work_items")
        text = client.call("prime")["text"]
        made = client.refusal("create_ledger", folder=str(folder))

    assert "create_ledger" not in listed
    assert refusal["code"] == "no_ledger"
    assert refusal["details"]["folder"] == str(folder)
    assert "--project" in refusal["next_step"]
    assert "create_ledger" not in refusal["next_step"]
    assert "create_ledger" not in text
    assert made["details"]["rule"] == "no_project_folder"
    assert not (folder / ".ledger").exists()


@pytest.mark.processes
def test_a_read_only_server_offers_no_tool_that_makes_one(empty: Settings) -> None:
    with server_process(empty, words=("mcp", "--read-only")) as client:
        listed = names(client.tools())
        refusal = client.refusal("list_work_items")

    assert "create_ledger" not in listed
    assert "tracking-ledger init" in refusal["next_step"]


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - NEEDS_NONE))
def test_every_command_says_no_ledger_and_names_the_folder(empty: Settings, name: str) -> None:
    done = run(empty, *line(name), "--json", input=PIPED)
    piped = run(empty, *line(name), input=PIPED)

    error = json.loads(done.stdout)["error"]
    assert error["code"] == "no_ledger", error
    assert error["details"]["folder"] == str(empty.project)
    assert "tracking-ledger init" in error["next_step"]
    assert done.exit_code == piped.exit_code == 3
    assert str(empty.project) in piped.stderr
    assert not (empty.project / ".ledger").exists()


def test_the_command_prime_works_without_a_ledger(empty: Settings) -> None:
    done = run(empty, "prime")

    assert done.exit_code == 0
    assert str(empty.project) in done.stdout


def test_the_ledger_of_the_home_folder_is_not_that_of_a_project_below(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (project := tmp_path / "work" / "project").mkdir(parents=True)
    identity.create(tmp_path)

    with pytest.raises(NoLedger):
        identity.find(project)
    assert identity.find(tmp_path).project == tmp_path
    identity.create(tmp_path / "work")
    assert identity.find(project).project == tmp_path / "work"


def test_a_folder_that_does_not_exist_has_no_ledger_of_the_one_above(tmp_path: Path) -> None:
    identity.create(tmp_path)

    with pytest.raises(NoLedger, match="there is no folder"):
        identity.find(tmp_path / "mistyped")
