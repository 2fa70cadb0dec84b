"""What the console scripts call: the warm process runs the command, or this one loads the program for it."""

import os
import sys

from projections.cli.terminal.streams import complete
from projections.cli.warm import client

INTERRUPTED = 130


def program() -> None:
    """The command line that this process was given, run once, in one of the two places. Ends the process."""
    complete()
    place = client.wanted(sys.argv[1:], os.environ)
    if place is not None:
        client.hand_over(place)
    try:
        from projections.cli.main import program  # only here: to load it is what the warm process is there for
    except KeyboardInterrupt:  # nothing has begun
        sys.stderr.write("\n")
        raise SystemExit(INTERRUPTED) from None

    program(place)
