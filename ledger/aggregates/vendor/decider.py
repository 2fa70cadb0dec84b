"""What may happen to a vendor, and why not."""

from collections.abc import Iterator
from typing import Any, assert_never, get_args

from msgspec.structs import asdict

from ledger.aggregates.annotation_decider import decide as annotate
from ledger.aggregates.decider import Decided, Decider, Turns, Undoable, with_also
from ledger.aggregates.guards import existing
from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor, VendorCommand
from ledger.aggregates.vendor.events import (
    TestResults,
    VendorCreated,
    VendorFact,
    VendorReinstated,
    VendorReverted,
    VendorRevised,
    VendorStatusChanged,
    VendorTestsReported,
    VendorWithdrawn,
)
from ledger.aggregates.vendor.state import FORMATS, Vendor, evolve
from ledger.annotation.commands import Annotate, AnnotationCommand
from ledger.annotation.events import ANNOTATION_FACTS
from ledger.envelope import stream_id
from ledger.errors import NotFound, NotUnique
from ledger.problems import Problem, check, problem
from ledger.values.revision import difference
from ledger.world import World

CATEGORY = "vendor"


def decide(command: VendorCommand | Annotate, world: World) -> Decided:
    match command:
        case CreateVendor():
            return _create(command, world)
        case UpdateVendor():
            return _update(command, world)
        case AnnotationCommand():
            return annotate(command, world)
        case _:
            assert_never(command)


def _create(command: CreateVendor, world: World) -> Decided:
    world.creates(stream_id(CATEGORY, command.id))
    check([*_format_problems(command.format_support), *_result_problems(command.test_results)])
    _check_name(world, command.name)
    fields = asdict(command)
    del fields["id"]
    return [(stream_id(CATEGORY, command.id), VendorCreated(**fields))]


def _update(command: UpdateVendor, world: World) -> Decided:
    vendor: Vendor = existing(world, CATEGORY, command.id, command.expected)
    results = _merged(vendor.test_results, command.test_results)
    check([*_update_problems(command), *_result_problems(results)])
    stream = stream_id(CATEGORY, command.id)
    changes = difference(vendor, command.fields)
    if results is not None:
        return [(stream, with_also(_report(command, results, world), changes))]
    if "status" in changes:
        status = changes.pop("status")
        return [(stream, VendorStatusChanged(old=status.old, new=status.new, also=changes))]
    return [(stream, VendorRevised(changes=changes))] if changes else []


def _report(command: UpdateVendor, results: TestResults, world: World) -> VendorTestsReported:
    """Every run is a fact, also one with the same counts as the run before."""
    deployment = command.deployment_id
    if deployment is not None and deployment not in world.known("deployment", [deployment]):
        raise NotFound(
            f"there is no deployment {deployment} in this ledger",
            next_step="check deployment_id, or record the deployment first",
            field="deployment_id",
            id=deployment,
        )
    return VendorTestsReported(
        passing=results.passing, total=results.total, skipped=results.skipped, deployment_id=deployment
    )


def _check_undo(world: World, turns: Turns[Vendor]) -> None:
    """The name of a vendor that comes back may belong to another vendor by now."""
    for now, then in turns.values():
        if now.withdrawn and not then.withdrawn:
            _check_name(world, then.name)


def _check_name(world: World, name: str) -> None:
    if holder := world.holder("vendor_name", name.casefold()):
        raise NotUnique(
            f"the name {name} is taken: {world.reference(CATEGORY, holder.id)} is called {holder.label}",
            next_step="update that vendor, or choose another name",
            field="name",
            stored=holder.label,
            id=holder.id,
        )


def _update_problems(command: UpdateVendor) -> Iterator[Problem]:
    if "name" in command.fields:
        yield problem("name", "cannot be changed", command.fields["name"])
    if "format_support" in command.fields:
        yield from _format_problems(command.fields["format_support"])
    if command.deployment_id is not None and command.test_results is None:
        yield problem("deployment_id", "says what a run tested, so it needs test_results", command.deployment_id)


def _format_problems(support: Any) -> Iterator[Problem]:
    if not isinstance(support, dict):
        yield problem("format_support", "must map formats to true or false", support, allowed=FORMATS)
        return
    for name, supported in support.items():
        if name not in FORMATS:
            yield problem(f"format_support.{name}", "is not a format", supported, allowed=FORMATS)
        elif not isinstance(supported, bool):
            yield problem(f"format_support.{name}", "must be true or false", supported)


def _result_problems(results: TestResults | None) -> Iterator[Problem]:
    if results is None:
        return
    if results == TestResults():
        yield problem("test_results", "names no count", allowed=results.__struct_fields__)
    passing, total, skipped = results.passing or 0, results.total, results.skipped or 0
    if total is not None and passing + skipped > total:
        yield problem(
            "test_results.total", f"must be at least passing and skipped together, {passing} + {skipped}", total
        )


def _merged(before: TestResults | None, report: TestResults | None) -> TestResults | None:
    """The report, completed by the run before where it names nothing; None without a report."""
    if before is None or report is None:
        return report
    named = {field: getattr(report, field) for field in report.__struct_fields__}
    return TestResults(**{field: getattr(before, field) if count is None else count for field, count in named.items()})


decider: Decider[Vendor] = Decider(
    category=CATEGORY,
    initial=Vendor(),
    evolve=evolve,
    revised=VendorRevised,
    decide=decide,
    facts=(*get_args(VendorFact), *ANNOTATION_FACTS),
    commands=get_args(VendorCommand),
    unique=("vendor_name",),
    undoable=Undoable(
        reverted=VendorReverted, withdrawn=VendorWithdrawn, reinstated=VendorReinstated, check=_check_undo
    ),
)
