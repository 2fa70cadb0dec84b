"""How many examples a property is tried with.

In `.ci/extra` the number that stands at the test, in a run of all tests a third of it, in the inner loop a few.

`LEDGER_TEST_EXAMPLES=all` asks for all.
"""

import os
from typing import Any

from hypothesis import settings

ALL = os.environ.get("LEDGER_TEST_EXAMPLES") == "all"
INNER_LOOP = "not processes"  # what it is asked for with: `-m`

_share, _fewest = 3, 5


def try_fewer() -> None:
    """From here on, in the inner loop."""
    global _share, _fewest
    _share, _fewest = 30, 2


def examples(most: int, **more: Any) -> settings:
    """The settings of a property that is tried with `most` examples in the long run.

    How long one takes is a property of the machine that runs it beside others, and of none of ours.
    """
    return settings(max_examples=most if ALL else max(most // _share, _fewest), deadline=None, **more)
