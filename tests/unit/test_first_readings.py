"""Threads that read a type for the first time at once: the library that reads must not crash, as msgspec 0.22 does."""

import subprocess
import sys

import pytest

TYPES = 150
PROGRAM = f"""
import sys, threading, msgspec

def fresh():
    inner = [msgspec.defstruct("Inner", [("name", str | None, None)], frozen=True) for _ in range(5)]
    return msgspec.defstruct("Outer", [(f"field_{{n}}", one | None, None) for n, one in enumerate(inner)], frozen=True)

def read(kind, together):
    together.wait()
    msgspec.json.Decoder(kind).decode(b'{{"field_4": {{"name": "x"}}}}')

sys.setswitchinterval(1e-6)
for kind in [fresh() for _ in range({TYPES})]:
    together = threading.Barrier(3)
    threads = [threading.Thread(target=read, args=[kind, together]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@pytest.mark.processes
def test_threads_may_read_a_type_for_the_first_time_at_once() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
