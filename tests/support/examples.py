"""How many examples a property is tried with: a third of the number at the test, in `.ci/extra` all of them.

`LEDGER_TEST_EXAMPLES=all` asks for all.
"""

import os
from typing import Any

from hypothesis import settings

ALL = os.environ.get("LEDGER_TEST_EXAMPLES") == "all"


def examples(most: int, **more: Any) -> settings:
    """The settings of a property that is tried with `most` examples in the long run.

    How long one takes is a property of the machine that runs it beside others, and of none of ours.
    """
    return settings(max_examples=most if ALL else max(most // 3, 5), deadline=None, **more)
