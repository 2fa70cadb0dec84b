"""The columns of Jira's exports in English, whatever language the user who exported them has set."""

import re
from functools import lru_cache
from typing import NamedTuple

_NAMES = {
    "Issue key": "issuekey, key, clave de incidencia, clave, vorgangsschlüssel, schlüssel, clé de ticket, clé,"
    " chave da item, chave do ticket, chave",
    "Issue id": "id de la incidencia, vorgangs-id, id de ticket, id da item",
    "Issue Type": "issuetype, tipo de incidencia, vorgangstyp, type de ticket, tipo de item",
    "Summary": "resumen, zusammenfassung, résumé, resumo",
    "Description": "descripción, beschreibung, descrição",
    "Status": "estado, état",
    "Status Category": "categoría de estado, statuskategorie, catégorie d'état, categoria do status",
    "Status Category Changed": "categoría de estado cambiada, statuskategorie geändert, catégorie d'état modifiée",
    "Priority": "prioridad, priorität, priorité, prioridade",
    "Resolution": "resolución, lösung, résolution, resolução",
    "Assignee": "persona asignada, zugewiesene person, bearbeiter, personne assignée, responsável",
    "Assignee Id": "id de la persona asignada, id der zugewiesenen person",
    "Reporter": "informador, autor, rapporteur, relator",
    "Reporter Id": "id del informador, id des autors",
    "Creator": "creador, ersteller, créateur, criador",
    "Creator Id": "id del creador, ersteller-id",
    "Watchers": "interesados, beobachter, observateurs, observadores",
    "Watchers Id": "id de los interesados, id des beobachters",
    "Created": "creada, erstellt, création, criado",
    "Updated": "actualizada, aktualisiert, mise à jour, atualizado(a)",
    "Resolved": "resuelta, erledigt, résolue, resolvido",
    "Due date": "due date, duedate, fecha de vencimiento, fälligkeitsdatum, date d'échéance, data limite",
    "Labels": "etiquetas, stichwörter, étiquettes, categorias",
    "Comment": "comments, comentario, kommentar, commentaire, comentário",
    "Original estimate": "estimación original, ursprüngliche schätzung, estimation initiale, estimativa original",
    "Parent": "principal, übergeordnet, parent link",
    "Parent id": "übergeordnete id, id principal, id parent",
    "Parent key": "clave principal, übergeordneter schlüssel, clé parent",
}
_IN_ENGLISH = {name.strip(): english for english, names in _NAMES.items() for name in names.split(",")}
_IN_ENGLISH |= {english.casefold(): english for english in _NAMES}
CUSTOM = "Custom field ("
_CUSTOM = ("custom field (", "campo personalizado (", "benutzerdefinierte felder (", "champs personnalisés (")
_LINK = re.compile("link|enlace|lien|verknüpfung|vínculo")
_DIRECTIONS = (
    ("inward", re.compile(r"\b(?:inward|intern[ao]|eingehende[rs]?|entrante?|entrada)\b")),
    ("outward", re.compile(r"\b(?:outward|ausgehende[rs]?|sortante?|saliente|saída)\b")),
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
            return f"{CUSTOM}{name.strip()[len(prefix) :]}"
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
