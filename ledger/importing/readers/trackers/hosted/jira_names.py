"""The columns of Jira's exports in English, whatever language the user who exported them has set."""

import re
from functools import lru_cache
from typing import NamedTuple

_NAMES = {
    "Issue key": "issuekey, key, clave de incidencia, clave, vorgangsschlüssel, schlüssel, clé de ticket, clé,"
    " chave da item, chave do ticket, chave, ключ проблемы, ключ задачи, chiave di ticket, issuecode,"
    " klucz zgłoszenia, 課題キー, 问题关键字, 事务密钥, 이슈 키",
    "Issue id": "id de la incidencia, vorgangs-id, id de ticket, id da item,"
    " идентификатор проблемы, идентификатор задачи, id. zgłoszenia, 課題id, 问题id, 事务id",
    "Issue Type": "issuetype, tipo de incidencia, vorgangstyp, type de ticket, tipo de item, тип задачи, tipo ticket,"
    " typ zgłoszenia, 課題タイプ, 问题类型, 事务类型, 이슈 유형",
    "Summary": "resumen, zusammenfassung, résumé, resumo, тема, riepilogo, samenvatting, podsumowanie, 要約, 概要,"
    " 摘要,"
    " 요약",
    "Description": "descripción, beschreibung, descrição, описание, descrizione, opis, 描述, 설명",
    "Status": "estado, état, статус, stato, ステータス, 状态, 상태",
    "Status Category": "categoría de estado, statuskategorie, catégorie d'état, categoria do status,"
    " категория статуса, 状态类别, kategoria statusu",
    "Status Category Changed": "categoría de estado cambiada, statuskategorie geändert, catégorie d'état modifiée",
    "Priority": "prioridad, priorität, priorité, prioridade, приоритет, priorità, prioriteit, 優先度, 优先级,"
    " 우선순위, priorytet",
    "Resolution": "resolución, lösung, résolution, resolução, решение, risoluzione, 解決状況, 解决结果, rozwiązanie",
    "Assignee": "persona asignada, zugewiesene person, bearbeiter, personne assignée, responsável, исполнитель,"
    " assegnatario, 担当者, 经办人, 담당자, osoba przypisana",
    "Assignee Id": "id de la persona asignada, id der zugewiesenen person, 经办人 id, id de la personne assignée,"
    " id osoby przypisanej",
    "Reporter": "informador, autor, rapporteur, relator, автор, richiedente, melder, 報告者, 报告人, 보고자,"
    " osoba zgłaszająca",
    "Reporter Id": "id del informador, id des autors, 报告人 id, id de rapporteur, id osoby zgłaszającej",
    "Creator": "creador, ersteller, créateur, criador, создатель, 创建者, 만든사람, twórca",
    "Creator Id": "id del creador, ersteller-id, 创建者 id, id de créateur, id twórcy",
    "Watchers": "interesados, beobachter, observateurs, observadores, наблюдатели, obserwujący",
    "Watchers Id": "id de los interesados, id des beobachters, id des observateurs, id obserwujących",
    "Created": "creada, erstellt, création, criado, создано, creati, aangemaakt, utworzono, 作成日, 创建日期, 已创建,"
    " 생성일",
    "Updated": "actualizada, aktualisiert, mise à jour, atualizado(a), обновлено, обновленo, aggiornato, bijgewerkt,"
    " zaktualizowano, 更新日, 已更新, 변경일",
    "Resolved": "resuelta, erledigt, résolue, resolvido, дата решения, 已解决, 해결일, résolu, rozwiązane",
    "Due date": "due date, duedate, fecha de vencimiento, fälligkeitsdatum, date d'échéance, data limite,"
    " срок исполнения, data di scadenza, 到期日, 截止日期, termin",
    "Labels": "etiquetas, stichwörter, étiquettes, categorias, метки, etichette, 标签, 레이블",
    "Comment": "comments, comentario, kommentar, commentaire, comentário, комментарий, 评论",
    "Original estimate": "estimación original, ursprüngliche schätzung, estimation initiale, estimativa original,"
    " первоначальная оценка, 初始预估, estimation originale, pierwotne oszacowanie",
    "Parent": "principal, übergeordnet, parent link, element nadrzędny, 父项",
    "Parent id": "übergeordnete id, id principal, id parent",
    "Parent key": "clave principal, übergeordneter schlüssel, clé parent, 父项关键字",
}
_IN_ENGLISH = {name.strip(): english for english, names in _NAMES.items() for name in names.split(",")}
_IN_ENGLISH |= {english.casefold(): english for english in _NAMES}
CUSTOM = "Custom field ("
_CUSTOM = re.compile(
    r"(?:custom field|campo personalizado|benutzerdefinierte felder|champs personnalisés|пользовательское поле"
    r"|campo personalizzato|aangepast veld|pole niestandardowe|pole własne|自定义字段|사용자정의 필드) ?\(",
    re.IGNORECASE,
)
_FIELDS = {"ссылка на эпик)": "Epic Link)", "родительская ссылка)": "Parent Link)", "史诗链接)": "Epic Link)"}
_LINK = re.compile("link|enlace|lien|verknüpfung|vínculo|связь|ссылка|łącze")
_DIRECTIONS = (
    ("inward", re.compile(r"\b(?:inward|intern[ao]|eingehende[rs]?|entrante?|entrada|входящая|wewnętrzne)\b")),
    ("outward", re.compile(r"\b(?:outward|ausgehende[rs]?|sortante?|saliente|saída|внешняя|исходящая|zewnętrzne)\b")),
)


class LinkColumn(NamedTuple):
    """`direction` is inward or outward, `kind` the name of the kind of link."""

    direction: str
    kind: str


@lru_cache(maxsize=4096)
def in_english(name: str) -> str:
    """
    >>> in_english("Clave de incidencia"), in_english("ISSUE KEY"), in_english("Campo personalizado (Epic Link)")
    ('Issue key', 'Issue key', 'Custom field (Epic Link)')
    >>> in_english("Vertical")
    'Vertical'
    """
    bare = name.strip()
    if custom := _CUSTOM.match(bare):
        field = bare[custom.end() :]
        return f"{CUSTOM}{_FIELDS.get(field.casefold(), field)}"
    return _IN_ENGLISH.get(bare.casefold(), bare)


@lru_cache(maxsize=4096)
def link_column(name: str) -> LinkColumn | None:
    """What a column with links says of them; None for any other.

    >>> link_column("Inward issue link (Blocks)"), link_column("Ausgehende Vorgangsverknüpfung (Duplicate)")
    (LinkColumn(direction='inward', kind='Blocks'), LinkColumn(direction='outward', kind='Duplicate'))
    """
    before, _, kind = name.partition(" (")
    column = before.casefold()
    if in_english(name).startswith(CUSTOM) or not _LINK.search(column):
        return None
    direction = next((one for one, words in _DIRECTIONS if words.search(column)), None)
    return LinkColumn(direction, kind.removesuffix(")").strip()) if direction and kind else None
