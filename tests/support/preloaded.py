"""What the process that others are forked from imports and builds, so that none of them does: the whole program."""

import gc
import importlib

from projections.cli import warm_process
from projections.cli.commands import COMMANDS

ADAPTERS = ("mcp_adapter.http", "mcp_adapter.__main__")  # loaded by the commands that serve: a second of a core

for module in [*(place.partition(":")[0] for place, _ in COMMANDS.values()), *ADAPTERS]:
    importlib.import_module(module)
warm_process.load()
gc.freeze()  # a search for garbage in a forked process would copy the pages of all that it looks at
