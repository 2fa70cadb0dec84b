"""The columns of Jira's exports in English, whatever language the user who exported them has set."""

import re
from functools import lru_cache
from typing import NamedTuple

_NAMES = {
    "Issue key": "issuekey, key, clave de incidencia, clave, vorgangsschlüssel, schlüssel, clé de ticket, clé,"
    " chave da item, chave do ticket, chave, ключ проблемы, ключ задачи",
    "Issue id": "id de la incidencia, vorgangs-id, id de ticket, id da item,"
    " идентификатор проблемы, идентификатор задачи",
    "Issue Type": "issuetype, tipo de incidencia, vorgangstyp, type de ticket, tipo de item, тип задачи",
    "Summary": "resumen, zusammenfassung, résumé, resumo, тема",
    "Description": "descripción, beschreibung, descrição, описание",
    "Status": "estado, état, статус",
    "Status Category": "categoría de estado, statuskategorie, catégorie d'état, categoria do status, категория статуса",
    "Status Category Changed": "categoría de estado cambiada, statuskategorie geändert, catégorie d'état modifiée",
    "Priority": "prioridad, priorität, priorité, prioridade, приоритет",
    "Resolution": "resolución, lösung, résolution, resolução, решение",
    "Assignee": "persona asignada, zugewiesene person, bearbeiter, personne assignée, responsável, исполнитель",
    "Assignee Id": "id de la persona asignada, id der zugewiesenen person",
    "Reporter": "informador, autor, rapporteur, relator, автор",
    "Reporter Id": "id del informador, id des autors",
    "Creator": "creador, ersteller, créateur, criador, создатель",
    "Creator Id": "id del creador, ersteller-id",
    "Watchers": "interesados, beobachter, observateurs, observadores, наблюдатели",
    "Watchers Id": "id de los interesados, id des beobachters",
    "Created": "creada, erstellt, création, criado, создано",
    "Updated": "actualizada, aktualisiert, mise à jour, atualizado(a), обновлено, обновленo",
    "Resolved": "resuelta, erledigt, résolue, resolvido, дата решения",
    "Due date": "due date, duedate, fecha de vencimiento, fälligkeitsdatum, date d'échéance, data limite,"
    " срок исполнения",
    "Labels": "etiquetas, stichwörter, étiquettes, categorias, метки",
    "Comment": "comments, comentario, kommentar, commentaire, comentário, комментарий",
    "Original estimate": "estimación original, ursprüngliche schätzung, estimation initiale, estimativa original,"
    " первоначальная оценка",
    "Parent": "principal, übergeordnet, parent link",
    "Parent id": "übergeordnete id, id principal, id parent",
    "Parent key": "clave principal, übergeordneter schlüssel, clé parent",
}
_IN_ENGLISH = {name.strip(): english for english, names in _NAMES.items() for name in names.split(",")}
_IN_ENGLISH |= {english.casefold(): english for english in _NAMES}
CUSTOM = "Custom field ("
_CUSTOM = (
    "custom field (", "campo personalizado (", "benutzerdefinierte felder (", "champs personnalisés (",
    "пользовательское поле (",
)  # fmt: skip
_FIELDS = {"ссылка на эпик)": "Epic Link)", "родительская ссылка)": "Parent Link)"}
_LINK = re.compile("link|enlace|lien|verknüpfung|vínculo|связь|ссылка")
_DIRECTIONS = (
    ("inward", re.compile(r"\b(?:inward|intern[ao]|eingehende[rs]?|entrante?|entrada|входящая)\b")),
    ("outward", re.compile(r"\b(?:outward|ausgehende[rs]?|sortante?|saliente|saída|внешняя|исходящая)\b")),
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
    bare = name.strip().casefold()
    for prefix in _CUSTOM:
        if bare.startswith(prefix):
            field = name.strip()[len(prefix) :]
            return f"{CUSTOM}{_FIELDS.get(field.casefold(), field)}"
    return _IN_ENGLISH.get(bare, name.strip())


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
