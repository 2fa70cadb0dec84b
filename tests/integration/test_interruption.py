"""Ctrl-C ends a command that goes round and round, wherever it is when the interruption comes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from projections.application.app import App
from projections.cli.terminal.interruption import Interruption
from projections.cli.terminal.live import watch
from tests.conftest import Perform

ROUNDS = 3


class Finalized:
    """What Python finalizes just when the interruption comes; what it raises there is shown and lost."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """As a shell starts a command, whatever the tests were started with."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[type[BaseException] | None]]:
    """The exceptions that Python has shown instead of raising them."""
    shown: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: shown.append(lost.exc_type))
    yield shown


def test_an_interruption_ends_the_round_in_which_it_comes() -> None:
    begun = ended = 0

    with Interruption() as interruption:
        for _ in range(ROUNDS):
            begun += 1
            os.kill(os.getpid(), signal.SIGINT)
            interruption.check()
            ended += 1

    assert (begun, ended) == (1, 0)


def test_an_interruption_that_comes_while_an_object_is_finalized_ends_the_round_too(
    shown: list[type[BaseException] | None],
) -> None:
    begun = ended = 0

    with Interruption() as interruption:
        for _ in range(ROUNDS):
            begun += 1
            Finalized()
            interruption.check()
            ended += 1

    assert (begun, ended, shown) == (1, 0, [KeyboardInterrupt])


def test_a_watch_ends_so_too(app: App, perform: Perform, shown: list[type[BaseException] | None]) -> None:
    seen: list[int] = []

    def show() -> None:
        assert not seen, "it went on"
        seen.append(perform("create_work_item", item_type="task", title="Newer")["position"])
        Finalized()

    watch(app, show)

    assert (seen, shown) == ([1], [KeyboardInterrupt])


def test_afterwards_an_interruption_is_what_it_was_and_an_ignored_one_stays_ignored() -> None:
    with Interruption():
        pass
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        interruption.check()

    assert usual is signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


INTERRUPTED_AT_LOADING = """
import sys
class Loading:
    def find_spec(self, name, path, target=None):
        if name == "projections.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Loading())
from projections.cli.program import program
program()
"""


def test_an_interruption_while_the_program_loads_shows_no_traceback() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_LOADING], env=os.environ | {"LEDGER_WARM": "off"}, capture_output=True
    )

    assert (ended.returncode, ended.stderr) == (130, b"\n")
