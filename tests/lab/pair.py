"""A primary and its synchronous standby, and what an operator does to them."""

import signal
import time
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tests.support.cluster import Node

DETECTED = 1.0  # seconds after which an operator believes that a node is gone
FROZEN = 6.0
CUT = 4.0


class Pair:
    """Which node is the primary, and what is done to it."""

    def __init__(self, root: Path) -> None:
        self.primary, self.standby = Node(root, "one"), Node(root, "two")
        self.ready_at = time.time()  # when a primary could be reached again
        try:
            self.primary.initialise()
            self.primary.start()
            self._follow()
        except BaseException:
            self.end()
            raise

    @property
    def admin(self) -> str:
        return self.primary.conninfo

    @property
    def dsn(self) -> str:
        """Both nodes through their proxies; the order never changes with the primary."""
        nodes = sorted((self.primary, self.standby), key=lambda node: node.name)
        return make_conninfo(
            "",
            host="127.0.0.1,127.0.0.1",
            port=",".join(str(node.proxy.port) for node in nodes),
            user="team",
            dbname="postgres",
            target_session_attrs="read-write",
            connect_timeout=2,
        )

    def switchover(self) -> None:
        """Planned: the primary stops when the standby has everything, and follows the new one."""
        self.primary.stop_waiting()
        self.primary.stop()
        self._promote()

    def kill(self, detected: float = DETECTED) -> None:
        self.primary.destroy()
        time.sleep(detected)
        self._promote()

    def freeze(self, detected: float = DETECTED, frozen: float = FROZEN) -> None:
        """The primary stands still, is replaced, wakes up and is fenced a second later."""
        self.primary.send(signal.SIGSTOP)
        time.sleep(detected)
        old = self.primary
        self.primary, self.standby = self.standby, self.primary
        self._lead()
        time.sleep(frozen)
        old.send(signal.SIGCONT)
        time.sleep(1)
        old.destroy()
        self._follow()

    def cut(self) -> None:
        """No client reaches the primary, which is well; and then all do again."""
        self.primary.proxy.cut()
        time.sleep(CUT)
        self.primary.proxy.heal()
        self.ready_at = time.time()

    def _promote(self) -> None:
        self.primary, self.standby = self.standby, self.primary
        self._lead()
        self._follow()

    def _lead(self) -> None:
        self.primary.promote()
        self.ready_at = time.time()

    def _follow(self) -> None:
        self.standby.copy_of(self.primary)
        self.standby.start()
        self.primary.wait_for_other()

    def end(self) -> None:
        for node in (self.primary, self.standby):
            node.proxy.heal()
            node.send(signal.SIGCONT)
            node.destroy()
