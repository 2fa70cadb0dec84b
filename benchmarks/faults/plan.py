"""What one seed does: the steps of each client and the faults meanwhile. Pure: the same seed gives the same plan."""

from errno import EIO, ENOSPC
from random import Random
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

MACHINES = 2
SHARED = 3  # items that every client writes to
SECONDS = 2.5  # over which the faults of a run are spread
STEPS = (
    ("create", 6),
    ("update", 6),  # an item that only this client writes to
    ("read", 5),
    ("read_of_machine", 3),  # an item that another client of the same machine has made
    ("update_shared", 3),
    ("unchanged", 2),
    ("claim", 2),
    ("release", 1),
    ("vendor", 1),
    ("invalid", 2),
    ("repeat", 6),  # an earlier command, with the same id
)
FAULTS = (
    ("kill_server", 2),
    ("freeze_server", 2),
    ("kill_client", 3),
    ("freeze_client", 1),
    ("kill_drainer", 2),  # a process that drains, a moment after it began
    ("kill_follower", 1),
    ("cut", 3),
    ("cut_after", 4),  # in the middle of what the server says
    ("refuse", 3),
    ("black_hole", 2),
    ("delay", 1),
    ("full_disk", 4),
    ("short_writes", 3),
    ("bad_disk", 5),  # calls on files fail by chance: see DISK_FAULTS
    ("wrong_clock", 3),
)
VERSION_CHANGES = ("upgrade", "downgrade", "upgrade")  # of one machine, as many of them as are drawn
FAILOVERS = ("switchover", "failover", "frozen_failover")  # of a primary to its synchronous standby
EVERY_FAULT = (*(kind for kind, _ in FAULTS), *FAILOVERS, *dict.fromkeys(VERSION_CHANGES))
WITHOUT_VERSIONS = 1000  # seeds up to this one were run before versions changed, and stay as they were
WITHOUT_FAILOVERS = 2000  # so too those up to this one, before there were nodes that change their places
DISK_FAULTS = (
    ("write", ("posix/io/rw/write", "posix/io/rw/pwrite"), EIO),
    ("no space", ("posix/io/rw/write", "posix/io/rw/pwrite"), ENOSPC),
    ("short", ("posix/io/rw/write/reduce", "posix/io/rw/pwrite/reduce"), 0),
    ("sync", ("posix/io/sync/fsync", "posix/io/sync/fdatasync"), EIO),
    ("rename", ("posix/io/dir/rename", "posix/io/rw/ftruncate", "posix/io/dir/unlink"), EIO),
)
CLOCK_STEPS = (-86_400, -7_200, -90, 90, 7_200, 172_800)  # seconds

Kind = Literal["mcp", "http", "cli", "library"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Step(Struct, frozen=True, kw_only=True):
    """`draw` chooses among what there is when the step is taken; `pause` are the seconds before it."""

    kind: str
    command_id: UUID
    draw: int
    pause: float


class Client(Struct, frozen=True, kw_only=True):
    machine: int
    kind: Kind
    steps: tuple[Step, ...]


class Fault(Struct, frozen=True, kw_only=True):
    """`target` is a client or a machine (its other bits choose among ways), `amount` bytes or milliseconds."""

    kind: str
    at: float
    lasts: float
    target: int
    amount: int


class Plan(Struct, frozen=True, kw_only=True):
    """`command_seconds` are those that a write may wait before it is queued."""

    seed: int
    command_seconds: int
    clients: tuple[Client, ...]
    faults: tuple[Fault, ...]

    @property
    def has_standby(self) -> bool:
        return not self.fault_kinds.isdisjoint(FAILOVERS)

    @property
    def changes_program(self) -> bool:
        return not self.fault_kinds.isdisjoint(VERSION_CHANGES)

    @property
    def fault_kinds(self) -> set[str]:
        return {fault.kind for fault in self.faults}


def plan(seed: int, kinds: tuple[Kind, ...] = KINDS, *, steps: int = 15, faults: int = 5) -> Plan:
    """Two clients on each of two machines."""
    random = Random(seed)
    clients = tuple(
        Client(machine=number % MACHINES, kind=random.choice(kinds), steps=_steps(random, steps))
        for number in range(2 * MACHINES)
    )
    times = sorted(random.uniform(0.3, SECONDS) for _ in range(faults))
    command_seconds = random.choice((1, 1, 3))
    drawn = [_fault(random, at) for at in times]
    if seed > WITHOUT_VERSIONS and random.random() < 0.5:
        drawn += _version_changes(random)
    if seed > WITHOUT_FAILOVERS and random.random() < 0.5:
        drawn += _failovers(random)
    in_order = tuple(sorted(drawn, key=lambda fault: fault.at))
    return Plan(seed=seed, command_seconds=command_seconds, clients=clients, faults=in_order)


def _steps(random: Random, count: int) -> tuple[Step, ...]:
    kinds, weights = zip(*STEPS, strict=True)
    return tuple(
        Step(
            kind=kind,
            command_id=UUID(int=random.getrandbits(128), version=4),
            draw=random.getrandbits(32),
            pause=random.choice((0.0, 0.05, 0.1, 0.3)),
        )
        for kind in ("create", *random.choices(kinds, weights, k=count - 1))
    )


def _version_changes(random: Random) -> list[Fault]:
    """Each ends the machine's processes or lets them run on."""
    machine, count = random.randrange(MACHINES), random.choice((1, 2, 2, 3))
    times = sorted(random.uniform(0.2, SECONDS / 2) for _ in range(count))  # while clients still have much to do
    drawn = [_fault(random, at, kind) for kind, at in zip(VERSION_CHANGES, times, strict=False)]
    return [replace(fault, target=fault.target - fault.target % MACHINES + machine) for fault in drawn]


def _failovers(random: Random) -> list[Fault]:
    """One, or two: the second waits until the new standby has everything."""
    times = [random.uniform(0.3, SECONDS / 2) for _ in range(random.choice((1, 1, 2)))]
    return [_fault(random, at, random.choice(FAILOVERS)) for at in times]


def _fault(random: Random, at: float, kind: str | None = None) -> Fault:
    kinds, weights = zip(*FAULTS, strict=True)
    return Fault(
        kind=kind or random.choices(kinds, weights)[0],
        at=at,
        lasts=random.choice((0.1, 0.5, 1.3)),
        target=random.getrandbits(16),
        amount=random.randrange(1, 1000),
    )
