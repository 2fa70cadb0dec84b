"""Processor time of this process and of a server, which a shared machine distorts less than the clock."""

import contextlib

import psutil
from msgspec import Struct


class Processor(Struct, frozen=True):
    """Seconds since each began. What works in processes of its own is not in `client`."""

    client: float
    server: float

    def __sub__(self, before: "Processor") -> "Processor":
        return Processor(self.client - before.client, self.server - before.server)


def used(postmaster: int) -> Processor:
    """So far; of the server's processes also those that have ended."""
    own, server = psutil.Process().cpu_times(), psutil.Process(postmaster)
    children = 0.0
    for child in server.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # ended meanwhile: then the parent has its time
            times = child.cpu_times()
            children += times.user + times.system
    parent = server.cpu_times()
    ended = parent.children_user + parent.children_system
    return Processor(own.user + own.system, parent.user + parent.system + ended + children)
