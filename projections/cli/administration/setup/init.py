"""Commands that begin: `demo` and `init`."""

from contextlib import closing
from pathlib import Path

import click

from ledger import identity
from ledger.errors import NotFound, Refused, Unavailable
from ledger.identity import Identity
from ledger.postgres import directory
from ledger.postgres.connection.connect import connect
from ledger.settings import Settings
from projections.application.app import App
from projections.cli.administration.setup.example import EXAMPLE, Step, record, refuse_another_history, steps
from projections.cli.administration.setup.instructions import write_instructions
from projections.cli.reports.status import print_report
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, counting, printable, remark, say
from projections.fallback import router
from projections.maintenance import current_report
from projections.reports import report

DEMO_FOLDER = Path("tracking-ledger-demo")


@click.command(cls=CliCommand)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=DEMO_FOLDER)
@pass_invocation
def demo(invocation: Invocation, folder: Path) -> None:
    """Set up an example project in FOLDER, ready to look at.

    It gets a ledger of its own, and is recorded by the operations that an assistant calls. If you run it again,
    nothing is recorded twice. FOLDER is ./tracking-ledger-demo unless you name another.
    """
    folder = folder.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    identity.create(folder, EXAMPLE.replace("_", "-"))
    invocation.move_to(folder)
    app, example = invocation.app, steps()
    refuse_another_history(app, example)
    repeated = _recorded(app, example)
    document = router.answer(app, lambda view: current_report.document(view, report.IN_MARKDOWN))
    if invocation.as_json:
        place = {"folder": str(folder), "ledger": str(app.identity.ledger)}
        answer_json({**place, "steps": len(example), "repeated": repeated})
        return
    print_report(document)
    _print_next_steps(folder, len(example), repeated)


@click.command(cls=CliCommand)
@click.option("--name", help="The project's name, which is only displayed (default: the folder's name).")
@click.option("--offline", is_flag=True, help="Even if the server of LEDGER_DSN or --dsn cannot be reached now.")
@click.option(
    "--agent", is_flag=True, help="Also write the section of AGENTS.md, and the line in CLAUDE.md that points to it."
)
@click.option(
    "--in",
    "place",
    metavar="DATABASE",
    help="The database of the directory for it (default: the one with the fewest ledgers).",
)
@pass_invocation
def init(invocation: Invocation, name: str | None, offline: bool, agent: bool, place: str | None) -> None:
    """Set up a ledger in this folder.

    It creates .ledger/ledger.json, which says which ledger is this project's: commit it. In a folder that has a
    ledger it changes nothing. With --agent it also writes into AGENTS.md how assistants work with the ledger, in a
    section of its own; run it again to update that section.
    """
    project = invocation.settings.project
    above = _ledger_above(project)
    known = (project / identity.FOLDER / identity.FILE).is_file()
    if invocation.settings.dsn and not known and not offline:
        _refuse_unreachable(invocation.settings)
    if place is None:
        made = identity.create(project, name)
    else:
        made = _placed(invocation.settings, name, place)
    app = invocation.app
    reached = _opened_in_database(app)
    if above is not None and not known:
        remark(f"note: {printable(above.project)} has a ledger too; this folder now has its own", style="yellow")
    if not reached:
        remark("PostgreSQL cannot be reached: what you record is kept on this machine until then", style="yellow")
    if invocation.as_json:
        answered = {"ledger": str(made.ledger), "name": made.name, "project": str(made.project), "created": not known}
        answered |= {"instructions": write_instructions(project)} if agent else {}
        answer_json(answered | ({} if reached else {"warnings": ["postgres_unavailable"]}))
        return
    _print_made(made, known=known)
    if agent:
        for file, changed in write_instructions(project).items():
            say(f"{'wrote' if changed else 'nothing to change in'} {file}")
        say("next: tracking-ledger mcp --print-config CLIENT prints what to configure in your assistant")


def _print_made(made: identity.Identity, *, known: bool) -> None:
    news = "there is already" if known else "created"
    say(f"{news} ledger {made.ledger} ({printable(made.name)}) in {printable(made.project)}")
    if not known:
        say(f"commit {identity.FOLDER}/{identity.FILE}, and record something:")
        say("  tracking-ledger add 'My first task'")


def _recorded(app: App, example: list[Step]) -> int:
    """How many steps were recorded already."""
    repeated = 0
    with counting("recording the example project", len(example)) as progress:
        for answered in record(app, example):
            repeated += bool(answered.get("repeated"))
            progress.advance(progress.task_ids[0])
    return repeated


def _print_next_steps(folder: Path, count: int, repeated: int) -> None:
    news = "nothing new: it was recorded before" if repeated == count else f"{count - repeated} steps recorded"
    say("")
    say(f"The example project lies in {printable(folder)} ({news}). Go on with:", style="bold")
    say("")
    say(f"  cd {printable(folder)}")
    say("  tracking-ledger status")
    say("  tracking-ledger log")
    say("  tracking-ledger show Northwind")
    say("  tracking-ledger add 'My first task'")
    say("  tracking-ledger mcp --print-config claude-code    # the configuration for an assistant")


def _ledger_above(project: Path) -> Identity | None:
    try:
        return identity.find(project.parent)
    except NotFound:
        return None


def _refuse_unreachable(settings: Settings) -> None:
    """Nothing was made yet, so a wrong address can be put right; later it would look like an outage."""
    try:
        connect(settings).close()
    except Unavailable as error:
        raise Unavailable(
            f"no ledger was made: {error.message}",
            next_step=f"{error.next_step}; or give --offline to record on this machine until then",
        ) from error


def _placed(settings: Settings, name: str | None, wanted: str) -> Identity:
    with closing(connect(settings)) as database:
        directory.require(database, wanted)
        made = identity.create(settings.project, name)
        found = directory.place(database, made.key, made.name, wanted)
    if found != wanted:
        raise Refused(
            f"the ledger of {made.project} lies in {found} already, not in {wanted}",
            next_step=f"move it there: `tracking-ledger ledgers move {wanted}`",
            rule="placed",
            items=[],
        )
    return made


def _opened_in_database(app: App) -> bool:
    """Whether the ledger is known in the database now; without one it works on this machine."""
    try:
        app.runtime.live()
    except Unavailable:
        return False
    return True
