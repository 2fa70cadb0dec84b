"""What others read to start the server is right: the snippets of the docs, the registry's entry, the bundle."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import ledger
from ledger.settings import Settings
from mcp_adapter.capabilities.toolsets import NAMES
from tests.support.mcp_client import RefusedByProtocol, server_process

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "assistants.md").read_text(encoding="utf-8")
SNIPPETS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def entries() -> list[dict[str, Any]]:
    found = [entry for snippet in SNIPPETS for servers in snippet.values() for entry in servers.values()]
    return [entry for entry in found if "command" in entry]


def command(words: list[str], project: Path) -> tuple[str, ...]:
    """The words after the program's name, with the places that a host fills in filled in."""
    hole = r"\$\{[\w.]+\}|/path/to/project|^\.$"
    filled = [re.sub(hole, str(project), word) for word in words]
    return tuple(filled)


def test_there_is_a_snippet_for_each_client_and_one_for_http() -> None:
    assert len(SNIPPETS) == 6
    others = [entry for snippet in SNIPPETS for entry in snippet.get("mcpServers", {}).values() if "url" in entry]
    assert [entry["type"] for entry in others] == ["http"]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry["command"])
def test_what_a_snippet_says_starts_a_server_that_answers(settings: Settings, entry: dict[str, Any]) -> None:
    args = entry["args"]
    words = args[args.index("tracking-ledger") + 1 :] if entry["command"] == "uvx" else args

    with server_process(settings, words=command(words, settings.project), extra=entry.get("env")) as client:
        answer = client.call("prime")

    assert answer["text"]


def test_the_bundle_starts_a_server_that_answers(settings: Settings) -> None:
    manifest = json.loads((ROOT / "packaging/mcpb/manifest.json").read_text())
    words = manifest["server"]["mcp_config"]["args"]

    with server_process(
        settings, words=command(words[words.index("tracking-ledger") + 1 :], settings.project)
    ) as client:
        assert client.tools()

    assert (ROOT / manifest["server"]["entry_point"]).is_file()
    assert set(manifest["user_config"]) == set(re.findall(r"user_config\.(\w+)", json.dumps(words)))


def test_the_registry_s_entry_starts_a_server_that_answers(settings: Settings) -> None:
    (package,) = json.loads((ROOT / "server.json").read_text())["packages"]
    project, mode = package["packageArguments"]

    with server_process(settings, words=(project["name"], str(settings.project), mode["value"])) as client:
        assert client.tools()

    assert package["transport"] == {"type": "stdio"}


def test_every_published_version_and_name_is_the_program_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entry = json.loads((ROOT / "server.json").read_text())
    manifest = json.loads((ROOT / "packaging/mcpb/manifest.json").read_text())

    versions = {entry["version"], entry["packages"][0]["version"], manifest["version"]}
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert versions | {newest[1]} == {ledger.__version__}
    assert entry["packages"][0]["identifier"] == manifest["name"] == project["name"]
    assert project["name"] in project["scripts"]  # so that `uvx NAME` finds what to run
    assert len(entry["description"]) <= 100
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])


def test_the_docs_name_every_toolset() -> None:
    named = re.search(r"`--toolset NAME` \(([^;]*);", TEXT)

    assert named is not None
    assert re.split(r",\s+", named[1]) == list(NAMES)


def test_a_read_only_server_shows_nothing_that_writes(settings: Settings) -> None:
    with server_process(settings, words=("mcp", "--read-only", "--toolset", "work")) as client:
        shown = client.tools()
        with pytest.raises(RefusedByProtocol, match="Unknown tool"):
            client.call("create_work_item", item_type="task", title="Not here")

    assert shown
    assert all(tool["annotations"]["readOnlyHint"] for tool in shown)
