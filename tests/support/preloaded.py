"""What the process that others are forked from imports, so that none of them does: the whole program."""

import gc
import importlib

from projections.cli.commands import COMMANDS

for place, _ in COMMANDS.values():
    importlib.import_module(place.partition(":")[0])
gc.freeze()  # a collection in a forked process would copy every page
