"""Each room has its order in the contract of imports, or its modules stand side by side."""

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SIDE_BY_SIDE = {  # readers, commands and values that come one by one, and need no line each in the contract
    "ledger.across",
    "ledger.annotation",
    "ledger.importing.readers.backlog",
    "ledger.importing.readers.legacy.records",
    "ledger.importing.readers.text",
    "ledger.importing.readers.trackers.assistants",
    "ledger.importing.readers.trackers.hosted",
    "ledger.importing.readers.trackers.personal",
    "ledger.importing.readers.words",
    "ledger.values",
    "mcp_adapter.api",
    "projections.cli.exchange",
    "projections.cli.terminal.parameters",
    "projections.questions.overviews",
}


def test_a_room_has_an_exhaustive_contract_or_is_one_of_those_whose_modules_stand_side_by_side() -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layered = [section for section in contracts.values() if section.get("type") == "layers" and "containers" in section]

    placed = {name for section in layered for name in section["containers"].split()}
    assert [section["name"] for section in layered if section.get("exhaustive") != "true"] == []
    assert rooms() - placed == SIDE_BY_SIDE, "give the room a contract in .importlinter"


def test_a_room_holds_at_most_a_dozen_rooms_and_fifteen_files() -> None:
    crowded = {room for room in rooms() if len(files(room)) > 15 or len(modules(room) - files(room)) > 12}

    assert crowded == set()


def test_what_supports_the_tests_imports_none_of_them() -> None:
    imported = {
        (file.name, line)
        for file in (ROOT / "tests" / "support").glob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(from|import) tests\b(?!\.support\b| import support\b)", line)
    }

    assert imported == set()


def rooms() -> set[str]:
    """The packages that have more than one module or package in them."""
    found = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for top in ("ledger", "projections", "mcp_adapter")
        for file in (ROOT / top).rglob("__init__.py")
    }
    return {room for room in found if len(modules(room)) > 1}


def files(room: str) -> set[str]:
    return {file.stem for file in (ROOT / room.replace(".", "/")).glob("*.py") if not file.stem.startswith("_")}


def modules(room: str) -> set[str]:
    """Its files, and the rooms in it."""
    return files(room) | {file.parent.name for file in (ROOT / room.replace(".", "/")).glob("*/__init__.py")}
