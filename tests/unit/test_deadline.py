"""How long a command may wait for its database: what counts, and what is none of that time."""

from ledger.postgres.connection import deadline


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def passes(self, seconds: float) -> None:
        self.seconds += seconds


def test_what_a_command_takes_to_decide_is_none_of_the_time_that_it_may_wait() -> None:
    clock = Clock()

    with deadline.at_most(3.0, clock):
        clock.passes(60.0)

        assert deadline.left() == 3.0


def test_all_that_it_waits_counts_together() -> None:
    clock = Clock()

    with deadline.at_most(3.0, clock):
        with deadline.waiting():
            clock.passes(2.0)
        clock.passes(60.0)
        deadline.spend(0.5)
        assert deadline.left() == 0.5

        with deadline.waiting():
            clock.passes(0.5)
        assert deadline.is_over()


def test_while_it_waits_its_time_runs() -> None:
    clock = Clock()

    with deadline.at_most(3.0, clock), deadline.waiting():
        clock.passes(2.0)
        assert deadline.left() == 1.0

        clock.passes(2.0)
        assert deadline.is_over()


def test_one_wait_within_another_counts_once() -> None:
    clock = Clock()

    with deadline.at_most(3.0, clock):
        with deadline.waiting():
            with deadline.waiting():
                clock.passes(1.0)
            deadline.spend(1.0)
            clock.passes(1.0)

        assert deadline.left() == 1.0


def test_a_server_that_starts_while_something_else_is_waited_for_takes_none_of_its_time() -> None:
    clock = Clock()

    with deadline.at_most(3.0, clock):
        with deadline.waiting():
            clock.passes(20.0)
            deadline.extend(19.0)

        assert deadline.left() == 2.0


def test_what_asks_without_a_command_has_no_such_end() -> None:
    with deadline.waiting():
        deadline.spend(60.0)

    assert deadline.left() is None
