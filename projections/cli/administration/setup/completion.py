"""`completion`: installs what lets a shell complete commands, options, references, states, people and tags."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from ledger.errors import Unavailable
from projections.cli.administration.setup.marked_block import with_block, without_block
from projections.cli.commands import NAMES
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, printable, remark, say

SHELLS = ("bash", "zsh", "fish")
FIRST, LAST = "# >>> tracking-ledger completion >>>", "# <<< tracking-ledger completion <<<"
ZSH_HEAD = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }\n"


@click.command(cls=CliCommand)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--print", "printed", is_flag=True, help="Print the script instead of installing it.")
@click.option("--remove", is_flag=True, help="Remove the script again.")
@pass_invocation
def completion(invocation: Invocation, shell: str | None, printed: bool, remove: bool) -> None:
    """Let your shell complete commands, options, references, states, people and tags with the Tab key.

    Without a name it is set up for the shell that you use. For bash and zsh it adds a marked block to ~/.bashrc or
    ~/.zshrc, for fish a file to its completions.
    """
    shell = shell or _own_shell()
    script = _script(click.get_current_context().find_root().command, shell)
    if printed:
        say(script.rstrip())
        return
    file, first = _file(shell), _text(_file(shell))
    fresh = shell == "fish"
    kept = ("" if fresh else without_block(first, FIRST, LAST)) if remove else None
    text = kept if kept is not None else (script if fresh else with_block(first, script, FIRST, LAST))
    if text != first:
        _write(file, text)
    if invocation.as_json:
        answer_json({"shell": shell, "file": str(file), "changed": text != first, "installed": not remove})
    elif remove:
        remark(f"taken out of {printable(file)}" if text != first else f"nothing of it is in {printable(file)}")
    else:
        remark(f"{'installed in' if text != first else 'it is already in'} {printable(file)}")
        remark(f"next: open a new terminal, or type: source {printable(file)}")


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise click.UsageError(f"{name or 'your shell'} is not known: name one, as in: completion bash")
    return name


def _script(cli: click.Command, shell: str) -> str:
    """The shell's script, for both names of the program."""
    kind = get_completion_class(shell)
    assert kind is not None, "click completes these three"
    parts = [kind(cli, {}, name, f"_{name.replace('-', '_').upper()}_COMPLETE").source() for name in NAMES]
    return (ZSH_HEAD if shell == "zsh" else "") + "\n".join(parts)


def _file(shell: str) -> Path:
    home = Path.home()
    if shell == "fish":
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return base / "fish" / "conf.d" / "tracking-ledger.fish"
    return home / ".bashrc" if shell == "bash" else Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(file, error) from error


def _write(file: Path, text: str) -> None:
    from projections.reports.atomic_file import replacing  # only here: no other part of it needs the reports

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise _unusable(file, error) from error


def _unusable(file: Path, error: Exception) -> Unavailable:
    return Unavailable(
        f"{file} cannot be used: {error}",
        next_step="tracking-ledger completion --print prints the script, to install it yourself",
    )
