"""The git hooks that link commits to work items: put beside a repository's own, and taken out again.

A hook runs what was there before, with its arguments, its input and its verdict, and then asks this program, whatever
comes of that: no commit fails because of the ledger, and none waits for it longer than `hook run` allows.
"""

import shlex
import sys
from pathlib import Path
from typing import Literal

from ledger.errors import Refused
from projections.maintenance.repository import git

HOOKS = ("prepare-commit-msg", "post-commit", "post-rewrite")
KEPT = ".before-tracking-ledger"  # the end of the name of a hook that was there before
MARK = "# written by `tracking-ledger hook install`; `tracking-ledger hook uninstall` takes it out"
SCRIPT = """#!/bin/sh
{mark}
before="$0{kept}"
verdict=0
input=
{read}
if [ -x "$before" ]; then
    printf '%s' "$input" | "$before" "$@" || verdict=$?
fi
if [ -x {python} ]; then
    printf '%s' "$input" | {python} -c {program} hook run {folder} {name} "$@" || :
fi
exit $verdict
"""
READ = 'input="$(cat; echo .)"; input="${input%.}"'
PROGRAM = "from projections.cli.main import main; main()"

Outcome = Literal["installed", "renewed", "removed", "restored", "absent", "not ours"]


def folder_of(project: Path) -> Path:
    """Where the repository of a project has its hooks: as core.hooksPath says, for all of its worktrees.

    Raises Invalid where no repository is.
    """
    top = Path(git(project, "rev-parse", "--show-toplevel", needed=True) or project)
    return top / Path(git(top, "rev-parse", "--git-path", "hooks", needed=True) or "").expanduser()


def install(project: Path) -> dict[str, Outcome]:
    """Each hook with what became of it. Raises Refused where two hooks of before would have one name."""
    folder = folder_of(project)
    top = Path(git(project, "rev-parse", "--show-toplevel", needed=True) or project)
    inside = project.resolve().relative_to(top.resolve()).as_posix()
    done: dict[str, Outcome] = {}
    for name in HOOKS:
        _check_free(folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    for name in HOOKS:
        done[name] = _put(folder / name, _script(name, inside))
    return done


def uninstall(project: Path) -> dict[str, Outcome]:
    """Each hook with what became of it: what was there before is there again, as it was."""
    folder = folder_of(project)
    return {name: _take_out(folder / name) for name in HOOKS}


def installed(folder: Path) -> list[str]:
    """The names of the hooks that are ours."""
    return [name for name in HOOKS if _is_ours(folder / name)]


def _script(name: str, inside: str) -> str:
    return SCRIPT.format(
        mark=MARK,
        kept=KEPT,
        read=READ if name == "post-rewrite" else ":",
        python=shlex.quote(sys.executable),
        program=shlex.quote(PROGRAM),
        folder=shlex.quote(inside),
        name=name,
    )


def _check_free(hook: Path) -> None:
    kept = _backup_of(hook)
    if _is_there(hook) and not _is_ours(hook) and _is_there(kept):
        raise Refused(
            f"{hook} is not the hook that was installed, and {kept.name} is there already",
            rule="hook_changed",
            items=[],
            next_step=f"make one hook of the two, move it to {hook}, and install again",
        )


def _put(hook: Path, script: str) -> Outcome:
    is_ours = _is_ours(hook)
    if _is_there(hook) and not is_ours:
        hook.rename(_backup_of(hook))
    draft = hook.with_name(f"{hook.name}.new-tracking-ledger")
    draft.write_text(script, encoding="utf-8", newline="\n")
    draft.chmod(0o755)
    draft.replace(hook)
    return "renewed" if is_ours else "installed"


def _take_out(hook: Path) -> Outcome:
    if not _is_there(hook):
        return "absent"
    if not _is_ours(hook):
        return "not ours"
    hook.unlink()
    if not _is_there(_backup_of(hook)):
        return "removed"
    _backup_of(hook).rename(hook)
    return "restored"


def _backup_of(hook: Path) -> Path:
    return hook.with_name(hook.name + KEPT)


def _is_there(hook: Path) -> bool:
    return hook.exists() or hook.is_symlink()


def _is_ours(hook: Path) -> bool:
    return hook.is_file() and MARK.encode() in hook.read_bytes()
