"""What the words mean by which trackers and people call the states of work, whatever the case and the signs."""

import re

from ledger.values.states import Category

_WORDS: dict[Category, str] = {
    "planned": "todo, to do, open, opened, new, backlog, ready, planned, plan, pending, queued, triage, proposed,"
    " unstarted, not started, reopened, created, submitted, selected for development, ready for development,"
    " ready for dev, ready to start, next, up next, to be done, por hacer, tareas por hacer, zu erledigen, offen,"
    " à faire, a fazer, tarefas pendentes, itens pendentes",
    "active": "in progress, doing, started, active, wip, work in progress, working, ongoing, in dev, in development,"
    " developing, coding, implementing, in work, underway, hooked, claimed, assigned, in hand, en curso, en progreso,"
    " in arbeit, en cours, em andamento",
    "review": "review, in review, code review, in code review, peer review, under review, needs review,"
    " awaiting review, pending review, ready for review, testing, in testing, test, in test, ready for test,"
    " ready for testing, qa, in qa, ready for qa, verification, verifying, to verify, uat, in uat, staging, validation,"
    " validating, awaiting approval, pending approval, waiting for approval, pr open, in pr",
    "waiting": "blocked, on hold, hold, waiting, waiting for, waiting on, deferred, postponed, paused, parked, snoozed,"
    " stalled, pinned, icebox, someday, later, frozen, suspended, need info, needs info, needs information,"
    " waiting for information, waiting for customer, waiting for support, awaiting feedback, pending feedback, draft",
    "done": "done, complete, completed, closed, finished, resolved, fixed, shipped, released, deployed, merged, live,"
    " delivered, verified, implemented, listo, hecho, finalizada, fertig, erledigt, abgeschlossen, terminé, concluído,"
    " itens concluídos",
    "dropped": "cancelled, canceled, wont do, wont fix, will not do, abandoned, rejected, obsolete, invalid, duplicate,"
    " declined, discarded, not planned, dropped, removed, superseded, deprecated, aborted, cannot reproduce,"
    " as designed, not a bug",
}


def plain(word: str) -> str:
    """A word as it compares: letters and digits only, in small letters.

    >>> plain("◑ In Progress"), plain("Won't Do")
    ('inprogress', 'wontdo')
    """
    return re.sub(r"[\W_]+", "", word).casefold()


_CATEGORIES = {plain(word): category for category, words in _WORDS.items() for word in words.split(",")}


def category_of(word: str) -> Category | None:
    """What a word means for certain; None for one that no rule knows.

    >>> category_of("in-progress"), category_of("WONTFIX"), category_of("Odd")
    ('active', 'dropped', None)
    """
    return _CATEGORIES.get(plain(word))
