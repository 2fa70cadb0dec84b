"""How a lab ends that is terminated: what it has started, it ends."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import time
from tests.support.cluster import end_in_order
end_in_order()
try:
    print("began", flush=True)
    time.sleep(60)
finally:
    print("ending", flush=True)
    time.sleep(0.1)
    print("ended", flush=True)
"""


@pytest.mark.processes
def test_a_lab_that_is_terminated_ends_what_it_has_started_first_and_is_not_kept_from_it() -> None:
    lab = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None

    said = [lab.stdout.readline()]
    lab.terminate()
    said.append(lab.stdout.readline())
    lab.terminate()
    said += lab.stdout.readlines()

    assert said == ["began\n", "ending\n", "ended\n"]
    assert lab.wait() == 128 + signal.SIGTERM
    lab.stdout.close()
