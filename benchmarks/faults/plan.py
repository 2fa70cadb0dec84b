"""What one seed does: the steps of each client and the faults meanwhile. Pure: the same seed gives the same plan."""

from random import Random
from typing import Literal
from uuid import UUID

from msgspec import Struct

MACHINES = 2
SHARED = 3  # items that every client writes to
SECONDS = 5.0  # over which the faults of a run are spread
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
    ("cut", 3),
    ("cut_after", 4),  # in the middle of what the server says
    ("refuse", 3),
    ("black_hole", 2),
    ("delay", 1),
    ("full_disk", 4),
    ("short_writes", 3),
)

Kind = Literal["mcp", "library", "cli"]


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
    """`target` is a client or a machine, `amount` bytes or milliseconds."""

    kind: str
    at: float
    lasts: float
    target: int
    amount: int


class Plan(Struct, frozen=True, kw_only=True):
    seed: int
    clients: tuple[Client, ...]
    faults: tuple[Fault, ...]


def plan(seed: int, kinds: tuple[Kind, ...] = ("mcp",), *, steps: int = 40, faults: int = 8) -> Plan:
    """Two clients on each of two machines."""
    random = Random(seed)
    clients = tuple(
        Client(machine=number % MACHINES, kind=random.choice(kinds), steps=_steps(random, steps))
        for number in range(2 * MACHINES)
    )
    times = sorted(random.uniform(0.3, SECONDS) for _ in range(faults))
    return Plan(seed=seed, clients=clients, faults=tuple(_fault(random, at) for at in times))


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


def _fault(random: Random, at: float) -> Fault:
    kinds, weights = zip(*FAULTS, strict=True)
    return Fault(
        kind=random.choices(kinds, weights)[0],
        at=at,
        lasts=random.choice((0.2, 0.8, 2.0)),
        target=random.getrandbits(16),
        amount=random.choice((1, 40, 200, 1000)),
    )
