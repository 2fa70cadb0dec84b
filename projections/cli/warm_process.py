"""What the warm process loads and runs; `python -m projections.cli.warm_process FOLDER NAME` starts one."""

import gc
import importlib
import os
import sys

from projections.cli.warm import client, server

LATER = (  # what commands import when they come to it
    *("jinja2", "rich.console", "rich.markdown", "difflib", "pwd"),
    *("encodings.utf_8_sig", "encodings.unicode_escape", "click._textwrap"),
)


def main() -> None:
    """Returns in the warm process at its end; in a forked one, it runs a command."""
    folder, name = sys.argv[1:]
    if server.serve(folder, name, load):
        from projections.cli.main import program  # only here: `load` imports it after the key was taken

        program()


def load() -> None:
    """Everything that the commands import, and what they build when they are first called."""
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # as `main` does
    import projections.cli.main  # noqa: F401  # only here, as all of these: the key is of the program as it was before
    from ledger.postgres import migrate
    from projections.cli.commands import COMMANDS
    from projections.operations.catalog import OPERATIONS

    for command in sorted(client.COMMANDS):
        importlib.import_module(COMMANDS[command][0].partition(":")[0])
    for module in LATER:
        importlib.import_module(module)
    for operation in OPERATIONS.values():
        operation.input.model_rebuild()
    migrate.wanted()
    gc.collect()
    gc.freeze()  # a collection in a forked process would copy every page


if __name__ == "__main__":
    main()
