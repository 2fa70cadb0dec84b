"""A primary and a standby that stand for a seed's server, and may change their places in the middle of it."""

import time
from pathlib import Path

from benchmarks.faults.proxy import Address
from ledger.libpq.conninfo import isolated
from tests.lab.pair import Pair
from tests.support.cluster import Node

BEHIND_SECONDS = 0.5  # that a standby which is not waited for has received nothing


class Cluster(Pair):
    """With synchronous replication: what is acknowledged is on both nodes. Their order never changes."""

    @property
    def data(self) -> Path:
        """The folder of the one that leads."""
        return self.primary.data

    @property
    def addresses(self) -> list[Address]:
        return [("127.0.0.1", node.port) for node in self._nodes]

    def conninfo(self, user: str, dbname: str) -> str:
        return isolated(
            host=",".join("127.0.0.1" for _ in self._nodes),
            port=",".join(str(node.port) for node in self._nodes),
            user=user,
            dbname=dbname,
            target_session_attrs="read-write",
        )

    def ensure(self) -> None:
        """Both run, and one follows the other."""
        for node in self._nodes:
            if not node.answers():
                node.destroy()
                node.start()
        self.primary.wait_until_followed()

    @property
    def _nodes(self) -> list[Node]:
        return sorted((self.primary, self.standby), key=lambda node: node.name)


class AsynchronousCluster(Cluster):
    """The standby is behind when it is promoted: what the primary has acknowledged meanwhile is lost. A fault that is
    planted, to see that the checker names it."""

    def kill(self, detected: float) -> None:
        self.standby.stop_receiving()
        time.sleep(BEHIND_SECONDS)
        super().kill(detected)

    def _follow(self) -> None:
        super()._follow()
        self.primary.stop_waiting()
