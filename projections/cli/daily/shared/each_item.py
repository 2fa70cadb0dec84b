"""What a command does to each of several items: their references from the line or from standard input, one end."""

from collections.abc import Callable, Iterator

import click

from ledger.errors import Invalid, LedgerError
from ledger.values.reference import parse
from projections.cli.terminal import exits
from projections.cli.terminal.completions import REF
from projections.cli.terminal.invocation import Invocation
from projections.cli.terminal.output import answer_json
from projections.cli.terminal.parameters.texts import standard_input
from projections.questions.answers import Answered

REFS = click.argument("refs", type=REF, metavar="REF...|-", nargs=-1, required=True)


def each(
    invocation: Invocation, refs: tuple[str, ...], act: Callable[[str], Answered], show: Callable[[Answered], None]
) -> int:
    """Acts on one after the other, each reported as it is done; one that is refused does not keep the others back."""
    if len(refs) == 1 and refs[0] != "-":
        answered = act(refs[0])
        answer_json(answered) if invocation.as_json else show(answered)
        return exits.of_answer(answered)
    answers, code = [], exits.DONE
    for ref in each_ref(refs):
        try:
            answers.append(answered := act(ref))
            code = code or exits.of_answer(answered)
            if not invocation.as_json:
                show(answered)
        except LedgerError as error:
            answers.append({"ref": ref, **error.as_answer()})
            code = exits.of_error(error)
            if not invocation.as_json:
                called = click.get_current_context()
                exits.print_refusal(error, as_json=False, path=called.info_name or "", command=called.command)
    if invocation.as_json:
        refused = sum("error" in answered for answered in answers)
        answer_json({"items": answers, "done": len(answers) - refused, "refused": refused})
    return code


def each_ref(refs: tuple[str, ...]) -> Iterator[str]:
    """The references, and where - stands those of standard input: the first of each line, as a list prints them."""
    for ref in refs:
        if ref == "-":
            yield from _read()
        else:
            yield ref


def _read() -> list[str]:
    words = [line.split(maxsplit=1)[0] for line in standard_input() if line.strip()]
    found = [word for word in words if parse(word) is not None]
    if not found:
        raise Invalid(
            "standard input holds no reference: a line has to begin with one like w-7k3qd",
            next_step="tracking-ledger list | tracking-ledger done -",
            fields=[{"field": "REF", "problem": "no line of standard input begins with a reference"}],
        )
    return found
