"""What a command loads before it does anything: the start is most of the time that a person waits for it."""

import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

LIBRARIES = {
    "annotated_types",
    "click",
    "cython_runtime",  # of psycopg_binary
    "filelock",
    "msgspec",
    "platformdirs",
    "psycopg",
    "psycopg_binary",
    "psycopg_pool",
    "pydantic",
    "pydantic_core",
    "rich",  # its table of widths alone
    "typing_extensions",
    "typing_inspection",
}
ROOMS = {
    "application",
    "cli",
    "fallback",
    "local_copy",
    "maintenance",
    "operations",
    "questions",
    "read_models",
    "tables",
}
ITEMS = {"work_items", "work_item_inputs", "consequences", "duplicates"}
OWN = {
    "list": ("list_work_items", {"shapes", *ITEMS}),  # its options are the fields of its input
    "done": ("update_work_item", ITEMS),
    "ready": ("ready_work", {"claims", *ITEMS}),
    "show": ("query_work_item", ITEMS),
}
LOADED = """
import json, os, sys
from projections.cli.main import cli
from projections.operations.catalog import OPERATIONS
for command, operation in json.loads(sys.argv[1]).items():
    if os.fork() == 0:
        cli.get_command(None, command)
        OPERATIONS[operation]
        print(json.dumps([name for name in sys.modules if not name.startswith("_")]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """By command, the modules of a process in which the program was started and it was looked up."""
    operations = {command: operation for command, (operation, _) in OWN.items()}
    words = [sys.executable, "-c", LOADED, json.dumps(operations)]
    said = subprocess.run(words, capture_output=True, check=True).stdout.splitlines()
    return dict(zip(OWN, map(json.loads, said), strict=True))


@pytest.mark.processes
@pytest.mark.parametrize("command", OWN)
def test_a_simple_command_loads_its_own_operations_and_none_of_what_draws_imports_or_serves(
    loaded: dict[str, list[str]], command: str
) -> None:
    modules, own_modules = loaded[command], OWN[command][1]
    libraries = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"ledger", "projections"}
    assert libraries <= LIBRARIES
    assert {"rich.console", "rich.table"}.isdisjoint(modules)
    assert {name.split(".")[1] for name in modules if name.startswith("projections.")} <= ROOMS
    own = {name.rpartition(".")[2] for name in modules if name.startswith("projections.operations.")}
    assert own - {"work", "inputs"} <= {
        "argument_values",
        "base",
        "catalog",
        "cursors",
        "faults",
        "fields",
        *own_modules,
    }


def test_the_catalog_names_exactly_what_its_modules_offer() -> None:
    from projections.operations import catalog

    offered = {
        operation.name: module for module in set(catalog._MODULES.values()) for operation in catalog._operations(module)
    }

    assert offered == catalog._MODULES, "each tool has its line in _MODULES of projections/operations/catalog.py"


def test_every_module_that_offers_operations_is_in_the_catalog() -> None:
    from projections import operations
    from projections.operations import catalog

    room = f"{operations.__name__}."
    modules = [found.name for found in pkgutil.walk_packages(operations.__path__, room)]

    offering = {
        name.removeprefix(room)
        for name in modules
        if isinstance(getattr(importlib.import_module(name), "OPERATIONS", None), tuple)
    }
    missing = offering - set(catalog._MODULES.values())
    assert missing == set(), (
        f"{', '.join(sorted(missing))} has OPERATIONS that nothing offers: each of its tools needs a line in _MODULES"
        " of projections/operations/catalog.py"
    )
