"""`status`: the report on a terminal, as Markdown or JSON, or kept in the status file; once, or at every change."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import click

from projections.application.view import LedgerView
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.live import watch
from projections.cli.terminal.output import answer_json, draw_markdown, on_terminal, printable, remark, write
from projections.cli.terminal.parameters.points import POINT
from projections.fallback import router
from projections.maintenance import current_report
from projections.maintenance.status_file import Written, write_status
from projections.questions.overviews.status import LISTED
from projections.reports import report
from projections.reports.atomic_file import replacing
from projections.reports.markdown import visible
from projections.tables.contract import Snapshot

EMPTY = "Nothing is recorded yet: `tracking-ledger add TITLE` creates a work item."
NOTHING = {"No vendors yet.", "No work items yet.", "Nothing is ready.", "No deployments yet.", "None planned."}
NEWS = {
    "created": "wrote a new file,",
    "replaced": "brought the report up to date in",
    "unchanged": "nothing to change in",
    "added": "kept all of its text, and added the report below it in",
}


@click.command(cls=CliCommand)
@click.option("--as-of", type=POINT, help="As it was at a position, at a time, or a while ago, like 2h, 3d, 1w.")
@click.option("--write", is_flag=True, help="Keep the report in the status file, beside what you wrote there.")
@click.option(
    "--html", is_flag=True, help="Write one page for a browser, with filters and plots, that needs no network."
)
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path), help="The file into which --html writes the page."
)
@click.option("--watch", "again", is_flag=True, help="Show it again after each change, until Ctrl-C.")
@pass_invocation
def status(
    invocation: Invocation, as_of: str | None, write: bool, html: bool, output: Path | None, again: bool
) -> None:
    """The status report of the project.

    It has the vendors, the tree of active work, what is ready, recent deployments and future enhancements. Piped to
    a file or a program, it is Markdown. --write keeps it in .project_status.md: the part between the two markers is
    the report's, everything else is yours and stays as it is.
    """
    if as_of is not None and (write or again):
        raise click.UsageError(
            "--as-of shows an earlier state, --write and --watch the present one: leave one of them out"
        )
    if html and (write or invocation.as_json):
        raise click.UsageError("--html cannot be combined with --write or --json: leave them out")
    if output is not None and not html:
        raise click.UsageError("--output is the file of --html: give --html too, or redirect the output")
    if html and output is None and on_terminal():
        raise click.UsageError("--html is for a browser: name --output FILE, or redirect it")
    if html and again and output is None:
        raise click.UsageError("--html --watch needs --output FILE, to be written again and again")
    show: Callable[[], int | None]
    if html:
        show = _paging(invocation, as_of, output)
    else:
        show = _writing(invocation) if write else _showing(invocation, as_of, again=again)
    if again:
        watch(invocation.app, show)
    else:
        show()


def print_report(document: report.Document) -> None:
    """The report, drawn on a terminal; the Markdown itself for a file or a program."""
    markdown = report.markdown(document)
    if on_terminal():
        draw_markdown(visible(_without_empty(markdown)))
    else:
        write(markdown, ends_line=False)


def _without_empty(markdown: str) -> str:
    """The report without sections that hold nothing, for a reader. A file keeps them, because it is read back.

    >>> _without_empty("# Status\\n\\n## Vendors\\n\\nNo vendors yet.\\n\\n## Work\\n\\nOne.\\n")
    '# Status\\n\\n## Work\\n\\nOne.\\n'
    """
    head, *sections = re.split(r"(?m)^(?=## )", markdown)
    kept = [section for section in sections if section.partition("\n")[2].strip() not in NOTHING]
    return head + ("".join(kept) or f"{EMPTY}\n")


def _showing(invocation: Invocation, as_of: str | None, *, again: bool) -> Callable[[], int]:
    shown = None if invocation.as_json else report.IN_MARKDOWN

    def show() -> int:
        document = router.answer(invocation.app, lambda view: _document(view, as_of, shown))
        if invocation.as_json and again:
            write(json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace"))  # a line each
        elif invocation.as_json:
            answer_json(document)
        else:
            if again and on_terminal():
                click.clear()
            print_report(document)
        position: int = document["as_of"]["position"]
        return position

    return show


def _document(view: LedgerView, as_of: str | None, shown: report.Shown | None) -> report.Document:
    with view.snapshot(as_of) as snapshot:
        return _document_in(view, snapshot, as_of, shown)


def _document_in(
    view: LedgerView, snapshot: Snapshot, as_of: str | None, shown: report.Shown | None, items: int = LISTED
) -> report.Document:
    """What waits now is no part of the past."""
    if as_of is not None:
        return report.document(snapshot, view.identity.name, items=items, shown=shown)
    return current_report.document_in(view, snapshot, items, shown)


def _writing(invocation: Invocation) -> Callable[[], None]:
    def show() -> None:
        written = write_status(invocation.app)
        if invocation.as_json:
            answer_json(_plain(written))
            return
        remark(f"{NEWS[written.outcome]} {printable(written.file)} (position {written.position})")
        if written.kept is not None:
            remark(f"the report itself had been edited: that text is kept in {printable(written.kept)}", style="yellow")

    return show


def _paging(invocation: Invocation, as_of: str | None, output: Path | None) -> Callable[[], None]:
    def show() -> None:
        # imported only here: the events of vendors and a second set of templates are needed by no other report
        from projections.reports.html_page import ITEMS, SHOWN, page

        def rendered(view: LedgerView) -> str:
            with view.snapshot(as_of) as snapshot:
                return page(snapshot, view.store, _document_in(view, snapshot, as_of, SHOWN, ITEMS))

        _, content = router.run_on_first_source(invocation.app, rendered, replicas=True)
        if output is None:
            write(content.encode(), ends_line=False)
        else:
            with replacing(output.expanduser()) as stream:
                stream.write(content.encode())
            remark(f"wrote {printable(output)} ({len(content.encode()):,} bytes)")

    return show


def _plain(written: Written) -> dict[str, object]:
    kept = {} if written.kept is None else {"kept": str(written.kept)}
    return {"file": str(written.file), "outcome": written.outcome, "position": written.position, **kept}
