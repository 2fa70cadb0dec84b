"""The words with which trackers and people name the states of work, in any case and spelling, and what they mean."""

import re

from ledger.values.states import Category

_ENGLISH: dict[Category, str] = {
    "planned": "todo, to do, open, opened, new, backlog, ready, planned, plan, pending, queued, triage,"
    " needs triage, proposed, unstarted, not started, reopened, created, submitted, selected for development,"
    " ready for development, ready for dev, ready for agent, ready to start, next, up next, to be done",
    "active": "in progress, doing, started, active, wip, work in progress, working, ongoing, in dev,"
    " in development, developing, coding, implementing, in work, underway, hooked, claimed, assigned, in hand",
    "review": "review, in review, code review, in code review, peer review, under review, needs review,"
    " awaiting review, pending review, ready for review, testing, in testing, test, in test, ready for test,"
    " ready for testing, qa, in qa, ready for qa, verification, verifying, to verify, uat, in uat, staging,"
    " validation, validating, awaiting approval, pending approval, waiting for approval, pr open, in pr",
    "waiting": "blocked, on hold, hold, waiting, waiting for, waiting on, deferred, postponed, paused, parked,"
    " snoozed, stalled, pinned, icebox, someday, later, frozen, suspended, need info, needs info,"
    " needs information, waiting for information, waiting for customer, waiting for support, awaiting feedback,"
    " pending feedback, draft",
    "done": "done, complete, completed, closed, finished, resolved, fixed, shipped, released, deployed, merged,"
    " live, delivered, verified, implemented",
    "dropped": "cancelled, canceled, wont do, wont fix, will not do, abandoned, rejected, obsolete, invalid,"
    " duplicate, declined, discarded, not planned, dropped, removed, superseded, deprecated, aborted,"
    " cannot reproduce, as designed, not a bug, deleted",
}
_ELSEWHERE: dict[Category, str] = {
    "planned": "zu erledigen, zu tun, offen, geplant, neu, por hacer, tareas por hacer, pendiente, abierto, abierta,"
    " nuevo, à faire, a faire, ouvert, ouverte, nouveau, a fazer, pendente, aberto, aberta, tarefas pendentes,"
    " itens pendentes, da fare, aperto, te doen, do zrobienia, к выполнению, сделать, открыто, новый, новая,"
    " aperta, riaperto, da completare, heropend, otwarte, nowe, ponownie otwarte, 待办, 待辦, 待处理, 未开始, 新建,"
    " 重新打开, 待开始, 计划中, 未着手, 未対応, 作業前, オープン, 再オープン, 할 일, 해야 할 일, 열림, 다시 열림",
    "active": "in arbeit, in bearbeitung, laufend, begonnen, en curso, en progreso, en cours, em andamento,"
    " em progresso, in corso, bezig, mee bezig, w toku, w trakcie, в работе, в процессе, in uitvoering, 进行中,"
    " 处理中, 正在进行, 开发中, 進行中, 作業中, 対応中, 진행 중",
    "review": "prüfung, in prüfung, prüfen, zu prüfen, im test, en revisión, revisión, en revue, revue, à relire,"
    " à valider, em revisão, in revisione, na revisão, в ревью, на проверке, 审核中, 评审中, 待审核, 测试中,"
    " 待验收, レビュー中, 確認中, 검토 중",
    "waiting": "blockiert, wartet, wartend, warten, zurückgestellt, pausiert, bloqueado, bloqueada, en espera,"
    " aplazado, bloqué, bloquée, en attente, reporté, em espera, impedido, adiado, bloccato, in attesa,"
    " geblokkeerd, in de wacht, zablokowane, заблокировано, ожидание, отложено, sospeso, wstrzymane, 阻塞, 已暂停,"
    " 保留, 보류, 차단됨",
    "done": "fertig, erledigt, abgeschlossen, geschlossen, gelöst, behoben, listo, lista, hecho, hecha,"
    " finalizado, finalizada, completado, completada, terminado, terminada, cerrado, cerrada, resuelto, resuelta,"
    " terminé, terminée, fait, fermé, fermée, résolu, résolue, concluído, concluída, feito, fechado, fechada,"
    " resolvido, itens concluídos, completato, fatto, chiuso, klaar, gereed, afgerond, gotowe, ukończone,"
    " выполнено, готово, закрыто, решено, completata, chiusa, risolto, risolta, voltooid, gesloten, opgelost,"
    " zamknięte, rozwiązane, zrobione, zakończone, 已完成, 完成, 已解决, 已关闭, 完了, 解決済み, 処理済み,"
    " クローズ, 완료, 완료됨, 해결됨, 종료, 닫힘",
    "dropped": "abgebrochen, verworfen, abgelehnt, wird nicht erledigt, cancelado, cancelada, descartado, rechazado,"
    " annulé, annulée, abandonné, abandonnée, rejeté, rejeitado, annullato, geannuleerd, anulowane, отменено,"
    " отклонено, annullata, scartato, rifiutato, afgewezen, odrzucone, 已取消, 已拒绝, 不做, 不做了, 不处理,"
    " 不修复, 重复, キャンセル, 中止, 却下, 重複, 취소, 취소됨",
}


def plain(word: str) -> str:
    """A word as it compares: letters and digits only, in small letters.

    >>> plain("◑ In Progress"), plain("Won't Do")
    ('inprogress', 'wontdo')
    """
    return re.sub(r"[\W_]+", "", word).casefold()


def _by_word(table: dict[Category, str]) -> dict[str, Category]:
    return {plain(word): category for category, words in table.items() for word in words.split(",")}


_OF_OTHER_LANGUAGES = _by_word(_ELSEWHERE)
_CATEGORIES = _by_word(_ENGLISH) | _OF_OTHER_LANGUAGES


def category_of(word: str) -> Category | None:
    """What a word means for certain; None for one that no rule knows.

    >>> category_of("in-progress"), category_of("WONTFIX"), category_of("En espera"), category_of("Odd")
    ('active', 'dropped', 'waiting', None)
    """
    return _CATEGORIES.get(plain(word))


def category_in_another_language(word: str) -> Category | None:
    """The same for words that are none of English.

    >>> category_in_another_language("En cours"), category_in_another_language("Testing")
    ('active', None)
    """
    return _OF_OTHER_LANGUAGES.get(plain(word))
