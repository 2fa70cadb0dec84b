"""One call of a command: the settings its options lead to, and the App it works with."""

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from ledger.settings import Settings, name_in, user_name
from projections.application import clones
from projections.application.activity import activity_line
from projections.application.app import App
from projections.cli.terminal import exits, lost_output
from projections.cli.terminal.output import remark
from projections.cli.terminal.parameters.options import Options, common_options
from projections.cli.terminal.parameters.texts import LongText
from projections.cli.warm.place import name
from projections.maintenance.after_write import keep_status, renew_copies


class Invocation:
    """The App is made when first needed, so that a command without a ledger works too."""

    def __init__(self, options: Options) -> None:
        self.as_json = options.as_json
        self.by = options.by
        self.warm = options.warm
        by = name_in({"--by": options.by}, "--by") if options.by else None
        given = {"project": options.project, "dsn": options.dsn, "by": by}
        if options.project:
            given["project"] = options.project.expanduser().absolute()
        self.settings = replace(Settings.from_environment(), **{name: value for name, value in given.items() if value})

    @cached_property
    def app(self) -> App:
        return App(self.settings, keep_status=keep_status, renew_copies=renew_copies)

    @property
    def actor(self) -> str:
        """Who acts, recorded on every event."""
        return self.settings.by or user_name(self.settings.project)

    def move_to(self, project: Path) -> None:
        """Works with the ledger of another folder from here on."""
        self.close()
        self.__dict__.pop("app", None)
        self.settings = replace(self.settings, project=project)

    def print_source(self) -> int:
        """Says when an answer did not come from the database; the JSON says it itself. The exit code."""
        layer = self.app.answered_by if "app" in self.__dict__ else None
        if layer is None or layer.is_live:
            return exits.DONE
        if not self.as_json:
            remark(layer.sentence(self.app.clock()), style="yellow")
        return exits.UNAVAILABLE if layer.kind.is_empty else exits.DONE

    def print_begun(self, name: str) -> None:
        """Says in a clone that its ledger was not in the database; not of the commands that are there to begin one."""
        if "app" not in self.__dict__ or self.as_json or name.split()[0] in BEGINNERS:
            return
        answered_by = self.app.answered_by
        if answered_by is not None and not answered_by.is_live:
            return
        if self.app.sync.has_begun and not clones.is_in_project(self.app.identity.project):
            remark(clones.BEGUN, style="yellow")

    def print_queued(self, code: int) -> None:
        """Says that a change is on this machine only, so far; the JSON says it itself."""
        if code == exits.QUEUED and not self.as_json:
            layer = self.app.answered_by
            remark("queued on this machine" + (f", {layer.why_queued()}" if layer else ""), style="yellow")

    def close(self) -> None:
        if "app" in self.__dict__:
            if self.app.runtime.opened:
                if not self.app.after_write.is_wanted:  # what follows a write follows the log too
                    self.app.sync.follow_quietly(FOLLOWED_SECONDS)
                self._start_warm_process()
            self.app.close()

    def _start_warm_process(self) -> None:
        """Starts a warm process for the next commands, where the embedded server answered this one."""
        if self.warm is not None and self.settings.warm and self.app.settings.dsn is None:
            from projections.cli.warm.lifecycle import start  # only here: most commands find one

            with suppress(OSError):  # without one the next command takes longer, and nothing else
                folder, key = self.warm
                start(folder, name(key))


BEGINNERS = ("init", "demo", "import", "rebuild", "ledgers")  # commands after which a ledger that begins is no news
FOLLOWED_SECONDS = 0.5  # that a command spends on the journal, after its answer; the next one goes on
pass_invocation = click.make_pass_decorator(Invocation)


class CliCommand(click.Command):
    """A command of ours: it takes the common options after its name too, and leaves a line in the activity log.

    A variable that is not set leaves an empty text, which must not mean all or this folder: only a command that
    `empties` fields takes one where something that is there is meant.
    """

    def __init__(self, *arguments: Any, empties: bool = False, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._empties = empties
        own = {flag for parameter in self.params for flag in parameter.opts}  # `block --by REF` says what blocks
        self.params += [option for option in common_options(hidden=True) if own.isdisjoint(option.opts)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not self._empties and any(not word or word.endswith("=") for word in args):
            given = self.make_parser(ctx).parse_args(list(args))[0]
            for parameter in self.params:
                if _names_what_is_there(parameter) and _is_empty(given.get(parameter.name or "")):
                    raise click.BadParameter("is empty: give a value, or leave it out", ctx, parameter)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        ctx.obj = invocation = Invocation(ctx.ensure_object(Options))
        name = ctx.command_path.removeprefix(ctx.find_root().command_path).strip()
        try:
            with activity_line(lambda: invocation.app.home, "command", name, invocation.actor) as line:
                code = _code(super().invoke, ctx) or invocation.print_source()
                invocation.print_begun(name)
                invocation.print_queued(code)
                line.outcome = f"exit {code}" if code else line.outcome
                return code
        finally:
            invocation.close()


def _names_what_is_there(parameter: click.Parameter) -> bool:
    """All but the texts of an option, which may be empty."""
    is_text = parameter.type is click.STRING or isinstance(parameter.type, LongText)
    return isinstance(parameter, click.Argument) or not is_text


def _is_empty(value: Any) -> bool:
    return value == "" or (isinstance(value, (list, tuple)) and "" in value)


def _code(invoke: Callable[[click.Context], Any], ctx: click.Context) -> Any:
    try:
        with lost_output.noticing_closed_output():
            return invoke(ctx)
    except lost_output.OutputClosed:
        return exits.OUTPUT_CLOSED


class CliGroup(click.Group):
    """A command with commands of its own, for example `import`; it takes the common options too."""

    command_class = CliCommand
    group_class = type

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params = [*self.params, *common_options(hidden=True)]
