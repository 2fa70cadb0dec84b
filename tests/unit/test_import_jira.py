"""Jira's exports as CSV, read in every form in which people have them."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.sample import sample_of
from ledger.importing.readers.trackers.hosted import jira
from ledger.values.moment import parse
from tests.support.each import each
from tests.support.examples import examples
from tests.support.imported_log import ImportedLog

NOW = parse("2026-11-22T12:00:00Z")
HEAD = "Summary,Issue key,Issue id,Status"
MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene.", "feb.", "mar.", "abr.", "may.", "jun.", "jul.", "ago.", "sept.", "oct.", "nov.", "dic."],
    "de": ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
    "fr": ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    "it": ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    "nl": ["jan.", "feb.", "mrt.", "apr.", "mei", "jun.", "jul.", "aug.", "sep.", "okt.", "nov.", "dec."],
    "pl": ["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"],
    "zh": ["一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"],
    "ja": [f"{month}月" for month in range(1, 13)],
    "ko": [f"{month}월" for month in range(1, 13)],
}
HALVES = {"zh": ("上午", "下午"), "ja": ("午前", "午後"), "ko": ("오전", "오후")}
LANGUAGES = {
    "en": {},
    "es": {"Summary": "Resumen", "Issue key": "Clave de incidencia", "Issue id": "ID de la incidencia",
           "Status": "Estado", "Created": "Creada", "Updated": "Actualizada", "Resolved": "Resuelta",
           "Labels": "Etiquetas", "Description": "Descripción", "Assignee": "Persona asignada", "Creator": "Creador",
           "Priority": "Prioridad", "Parent": "Principal", "Parent key": "Clave principal"},
    "de": {"Summary": "Zusammenfassung", "Issue key": "Vorgangsschlüssel", "Issue id": "Vorgangs-ID",
           "Created": "Erstellt", "Updated": "Aktualisiert", "Resolved": "Erledigt", "Priority": "Priorität",
           "Labels": "Stichwörter", "Description": "Beschreibung", "Assignee": "Zugewiesene Person"},
    "it": {"Summary": "Riepilogo", "Issue key": "Chiave di ticket", "Issue Type": "Tipo ticket", "Status": "Stato",
           "Created": "Creati", "Updated": "Aggiornato", "Due date": "Data di scadenza", "Labels": "Etichette",
           "Description": "Descrizione", "Assignee": "Assegnatario", "Priority": "Priorità",
           "Custom field (Epic Link)": "Campo personalizzato (Epic Link)"},
    "nl": {"Summary": "Samenvatting", "Issue key": "Issuecode", "Created": "Aangemaakt", "Updated": "Bijgewerkt",
           "Priority": "Prioriteit", "Custom field (Epic Link)": "Aangepast veld (Epic Link)"},
    "pl": {"Summary": "Podsumowanie", "Issue key": "Klucz zgłoszenia", "Issue id": "Id. zgłoszenia",
           "Created": "Utworzono", "Updated": "Zaktualizowano", "Description": "Opis", "Parent": "Element nadrzędny",
           "Resolved": "Rozwiązane", "Due date": "Termin", "Priority": "Priorytet", "Assignee": "Osoba przypisana",
           "Assignee Id": "ID osoby przypisanej", "Creator": "Twórca", "Creator Id": "ID twórcy",
           "Original estimate": "Pierwotne oszacowanie",
           "Inward issue link (Blocks)": "Wewnętrzne łącze zgłoszenia (Blocks)",
           "Custom field (Epic Link)": "Pole niestandardowe (Epic Link)"},
    "fr": {"Summary": "Résumé", "Issue key": "Clé de ticket", "Issue id": "ID de ticket", "Status": "État",
           "Created": "Création", "Updated": "Mise à jour", "Resolved": "Résolu", "Due date": "Date d'échéance",
           "Priority": "Priorité", "Assignee": "Personne assignée", "Assignee Id": "ID de la personne assignée",
           "Creator": "Créateur", "Creator Id": "ID de créateur", "Original estimate": "Estimation originale",
           "Parent key": "Clé parent", "Custom field (Epic Link)": "Champs personnalisés (Epic Link)"},
    "zh": {"Summary": "摘要", "Issue key": "事务密钥", "Issue id": "事务ID", "Status": "状态", "Created": "已创建",
           "Updated": "已更新", "Resolved": "已解决", "Due date": "截止日期", "Labels": "标签", "Description": "描述",
           "Assignee": "经办人", "Assignee Id": "经办人 ID", "Creator": "创建者", "Creator Id": "创建者 ID",
           "Priority": "优先级", "Parent": "父项", "Parent key": "父项关键字", "Comment": "评论",
           "Original estimate": "初始预估", "Custom field (Epic Link)": "自定义字段(史诗链接)"},
    "ja": {"Summary": "要約", "Issue key": "課題キー", "Issue id": "課題ID", "Status": "ステータス",
           "Created": "作成日", "Updated": "更新日", "Assignee": "担当者", "Priority": "優先度"},
    "ko": {"Summary": "요약", "Issue key": "이슈 키", "Status": "상태", "Created": "생성일", "Updated": "변경일",
           "Resolved": "해결일", "Labels": "레이블", "Description": "설명", "Assignee": "담당자",
           "Creator": "만든사람", "Priority": "우선순위", "Custom field (Epic Link)": "사용자정의 필드 (Epic Link)"},
}  # fmt: skip
STATES = {"To Do": "planned", "In Progress": "active", "Code Review": "review", "On Hold": "waiting", "Done": "done",
          "Won't Do": "dropped"}  # fmt: skip
words = st.text("aß日,;:#'\"@-[=+\n|", min_size=1, max_size=8).map(lambda text: f"w{text}w")
moments = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(second=0, microsecond=0))


class Issue(Struct, frozen=True, kw_only=True):
    """What is known of an issue, as Jira knows it."""

    number: int
    title: str
    text: str
    status: str
    priority: str
    assignee: str
    creator: str
    created: datetime
    changed: datetime
    labels: list[str]
    comments: list[tuple[datetime, str, str]]
    parent: int | None
    blockers: list[int]
    due: datetime
    minutes: int


class Form(Struct, frozen=True, kw_only=True):
    """How an export writes it."""

    between: str
    encoding: str
    line_end: str
    language: str
    time: str
    parent: str
    spare: int


forms = st.builds(
    Form,
    between=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    language=st.sampled_from(list(LANGUAGES)),
    time=st.sampled_from(["d/b/y 12", "d/b/Y 12", "d/b/y 24", "iso", "iso s", "b/d/y 12", "digits"]),
    parent=st.sampled_from(["Parent key", "Parent", "Parent of key", "Parent id", "Custom field (Epic Link)"]),
    spare=st.integers(0, 2),
)


@st.composite
def issues(draw: st.DrawFn) -> list[Issue]:
    numbers = range(1, draw(st.integers(1, 3)) + 1)
    people = st.sampled_from(["Ann Lee", "Bo; Öst", "cy"])
    return [
        draw(
            st.builds(
                Issue,
                number=st.just(number),
                title=words,
                text=words,
                status=st.sampled_from(list(STATES)),
                priority=st.sampled_from(["Highest", "High", "Medium", "Low", "Lowest"]),
                assignee=people,
                creator=people,
                created=moments,
                changed=moments,
                labels=st.lists(st.sampled_from(["a", "b-c", "ü"]), max_size=3, unique=True),
                comments=st.lists(st.tuples(moments, people, words), max_size=2),
                parent=st.none() | st.sampled_from([other for other in [*numbers, 9] if other != number]),
                blockers=st.lists(st.sampled_from([n for n in [*numbers, 9] if n != number]), max_size=2, unique=True),
                due=moments.map(lambda at: at.replace(hour=0, minute=0)),
                minutes=st.integers(1, 9999),
            )
        )
        for number in numbers
    ]


def written(at: datetime, form: Form) -> str:
    month = MONTHS[form.language][at.month - 1]
    half = f"{at.hour % 12 or 12}:{at:%M} {HALVES.get(form.language, ('AM', 'PM'))[at.hour >= 12]}"
    return {
        "d/b/y 12": f"{at.day:02}/{month}/{at:%y} {half}",
        "d/b/Y 12": f"{at.day}/{month}/{at:%Y} {half}",
        "d/b/y 24": f"{at.day:02}/{month}/{at:%y} {at:%H:%M}",
        "iso": f"{at:%Y-%m-%d %H:%M}",
        "iso s": f"{at:%Y-%m-%d %H:%M:%S}",
        "b/d/y 12": f"{month}/{at.day}/{at:%y} {half}",
        "digits": f"{at.day}/{at.month}/{at:%Y} {at:%H:%M}",
    }[form.time]


def export(folder: Path, found: list[Issue], form: Form) -> Path:
    widths = {"Labels": 3, "Comment": 2, "Inward issue link (Blocks)": 2}
    names = ["Summary", "Issue key", "Issue id", "Status", "Priority", "Assignee", "Assignee Id", "Creator",
             "Creator Id", "Created", "Updated", "Resolved", "Due date", "Original estimate", "Description",
             form.parent.removesuffix(" of key")]  # fmt: skip
    names += [name for name, width in widths.items() for _ in range(width + form.spare)]
    if form.time == "digits":  # a thirteenth day shows which part is the day
        names.append("Start date")
    named = [LANGUAGES[form.language].get(name, name) for name in names]
    rows = []
    for issue in found:
        cells: dict[str, list[str]] = {
            "Summary": [issue.title],
            "Issue key": [f"J-{issue.number}"],
            "Issue id": [f"1000{issue.number}"],
            "Status": [issue.status],
            "Priority": [issue.priority],
            "Assignee": [issue.assignee],
            "Assignee Id": [f"id:{issue.assignee[:2]}"],
            "Creator": [issue.creator],
            "Creator Id": [f"id:{issue.creator[:2]}"],
            "Created": [written(issue.created, form)],
            "Updated": [written(issue.changed, form)],
            "Resolved": [written(issue.changed, form) if STATES[issue.status] in ("done", "dropped") else ""],
            "Due date": [written(issue.due, form)],
            "Original estimate": [str(issue.minutes * 60)],
            "Description": [issue.text],
            "Labels": list(issue.labels),
            "Comment": [f"{written(at, form)};id:{by[:2]};{text}" for at, by, text in issue.comments],
            "Inward issue link (Blocks)": [f"J-{other}" for other in issue.blockers],
            form.parent.removesuffix(" of key"): [_parent(issue, form)],
            "Start date": ["13/1/2000 00:00"],
        }
        rows.append([cells[name].pop(0) if cells[name] else "" for name in names])
    text = io.StringIO()
    csv.writer(text, delimiter=form.between, lineterminator=form.line_end).writerows([named, *rows])
    file = folder / "Jira.csv"
    file.write_bytes(text.getvalue().encode(form.encoding))
    return file


def _parent(issue: Issue, form: Form) -> str:
    if issue.parent is None:
        return ""
    is_number = form.parent in ("Parent", "Parent id") and issue.parent != 9
    return f"1000{issue.parent}" if is_number else f"J-{issue.parent}"


def stated(item: ImportedItem) -> dict[str, Any]:
    fields = item.fields
    return {
        "title": fields["title"],
        "text": fields["description"],
        "category": item.category,
        "assignee": fields["assignee"],
        "creator": item.created.by,
        "created": item.created_in_source,
        "changed": item.changed_in_source,
        "tags": set(fields.get("tags", ())),
        "priority": fields["priority"],
        "parents": [link.to for link in item.links if link.kind == "parent"],
        "blockers": {link.to for link in item.links if link.kind == "depends_on"},
        "comments": [(one.made.at, one.made.by, one.text) for one in item.comments or ()],
        "due": fields["due"],
        "estimate": fields["estimate"],
    }


def known(issue: Issue, people: dict[str, str]) -> dict[str, Any]:
    return {
        "title": issue.title,
        "text": issue.text,
        "category": STATES[issue.status],
        "assignee": issue.assignee,
        "creator": issue.creator,
        "created": issue.created.replace(tzinfo=UTC),
        "changed": issue.changed.replace(tzinfo=UTC),
        "tags": set(issue.labels),
        "priority": ["Highest", "High", "Medium", "Low", "Lowest"].index(issue.priority) + 1,
        "parents": [f"J-{issue.parent}"] if issue.parent else [],
        "blockers": {f"J-{other}" for other in issue.blockers},
        "comments": [(at.replace(tzinfo=UTC), people.get(by, f"id:{by[:2]}"), text) for at, by, text in issue.comments],
        "due": issue.due.date().isoformat(),
        "estimate": issue.minutes,
    }


@examples(20)
@given(found=issues(), form=forms)
def test_whatever_form_an_export_has_every_field_is_read(
    tmp_path_factory: pytest.TempPathFactory, found: list[Issue], form: Form
) -> None:
    file = export(tmp_path_factory.mktemp("jira"), found, form)

    reading = jira.read(file, str, NOW)

    people = {name: name for issue in found for name in (issue.assignee, issue.creator)}
    assert jira.recognises(sample_of(file))
    assert (reading.found, reading.not_taken) == (len(found), [])
    assert [item.external_id for item in reading.items] == [f"J-{issue.number}" for issue in found]
    assert [stated(item) for item in reading.items] == [known(issue, people) for issue in found]


def read(folder: Path, text: str) -> Reading:
    file = folder / "Jira.csv"
    file.write_text(text, encoding="utf-8")
    return jira.read(file, str, NOW)


@each(
    ("row", "category"),
    [
        ("Verified by QC,In Progress,", "active"),
        ("Blocked,To Do,", "waiting"),
        ("Code Review,In Progress,", "review"),
        ("Signed off,Done,", "done"),
        ("Closed,Done,Won't Fix", "dropped"),
        ("Closed,,Duplicate", "dropped"),
        ("Ready,Done,", "done"),
        ("Tareas por hacer,,", "planned"),
        ("Odd,,Fixed", "done"),
        ("Odd,,Unresolved", "waiting"),
        ("Odd,,", "waiting"),
    ],
)
def test_the_boards_column_and_the_resolution_say_what_a_word_means(tmp_path: Path, row: str, category: str) -> None:
    head = "Summary,Issue key,Status,Status Category,Resolution"

    item = read(tmp_path, f"{head}\nT,J-1,{row}").items[0]

    assert (item.category, item.status) == (category, row.partition(",")[0])


def test_a_link_counts_once_whichever_end_tells_of_it(tmp_path: Path) -> None:
    names = "Outward issue link (Blocks),Outward issue link (Relates),Inward issue link (Relates)"
    rows = ["One,J-1,1,Done,J-2,J-2,", "Two,J-2,2,Open,J-9,,J-1"]

    reading = read(tmp_path, "\n".join([f"{HEAD},{names}", *rows]))

    links = {(item.external_id, link.kind, link.to) for item in reading.items for link in item.links}
    assert links == {("J-2", "depends_on", "J-1"), ("J-1", "relates_to", "J-2")}
    assert [finding.where for finding in reading.warnings if finding.kind == "link_kept_as_text"] == ["J-2 -> J-9"]
    assert reading.items[1].fields["metadata"]["Outward issue link (Blocks)"] == ["J-9"]


def test_of_two_duplicates_the_outward_one_is_the_one_that_repeats_the_other(tmp_path: Path) -> None:
    names = "Outward issue link (Duplicate),Inward issue link (Duplicate)"
    rows = ["One,J-1,1,Done,J-2,", "Two,J-2,2,Open,,J-1"]

    reading = read(tmp_path, "\n".join([f"{HEAD},{names}", *rows]))

    links = {(item.external_id, link.kind, link.to) for item in reading.items for link in item.links}
    assert links == {("J-1", "duplicates", "J-2")}


def test_cells_without_a_column_of_ours_stay_and_those_that_look_like_formulas_are_text(tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://x","y")'
    quoted = formula.replace('"', '""')
    text = (
        f'{HEAD},Sprint,Sprint,Custom field (PRD)\n"{quoted}",J-1,1,Done,S 1,S 2,<b>x</b>,too much\nShort,J-2,2,Open\n'
    )

    reading = read(tmp_path, text)

    first, second = reading.items
    assert (first.fields["title"], second.fields["title"]) == (formula, "Short")
    assert first.fields["metadata"] == {
        "Issue id": "1",
        "Sprint": ["S 1", "S 2"],
        "Custom field (PRD)": "<b>x</b>",
        "beyond_the_columns": "too much",
        "source_status": "Done",
    }


def test_an_estimate_that_no_field_can_hold_is_kept_and_reported(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{HEAD},Original estimate\nT,J-1,1,Open,{60 * 10**12}\nT,J-2,2,Open,120")

    first, second = (item.fields for item in reading.items)
    assert (first.get("estimate"), second["estimate"]) == (None, 2)
    assert first["metadata"]["source_estimate"] == "1000000000000 minutes"
    assert [one.where for one in reading.warnings if one.kind == "estimate_out_of_range"] == [
        "J-1: 1000000000000 minutes"
    ]


def test_a_key_that_comes_twice_and_a_row_without_one_are_named(tmp_path: Path) -> None:
    text = (
        "Key\tIssue Type\tParent\tSummary\tStatus\nC-1\tEpic\t\tA\tTo Do\nC-1\tTask\tC-1\tB\tDone\n\tTask\t\tC\tDone\n"
    )

    reading = read(tmp_path, text)

    assert [item.fields["item_type"] for item in reading.items] == ["project"]
    assert [(one.kind, one.where) for one in reading.not_taken] == [
        ("repeated_id", "line 3 (C-1)"),
        ("no_id", "line 4"),
    ]
    assert reading.found == 3


def test_times_without_a_zone_and_days_of_unknown_order_are_reported_and_stay(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{HEAD},Created,Due date\nT,J-1,1,Open,12/Mar/24 9:41 AM,5/3/24")

    kinds = {finding.kind for finding in reading.warnings}
    metadata = reading.items[0].fields["metadata"]
    assert {"no_zone", "time_not_understood"} <= kinds
    assert (metadata["Created"], metadata["Due date"]) == ("12/Mar/24 9:41 AM", "5/3/24")


@each(
    ("text", "problem"),
    [
        ("Summary,Status\nT,Open", "holds no header of a Jira export"),
        (f'{HEAD}\n"T,J-1,1,Open', "line 2 is not CSV: unexpected end of data"),
        (f'{HEAD}\nT,J-1,1,Open\n"T"x,J-2,2,Open', "line 3 is not CSV"),
        (f"{HEAD}\nT,,1,Open", "holds no Jira issue that can be taken"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem) as caught:
        read(tmp_path, text)

    assert "Jira.csv" in caught.value.message
    assert "nothing was recorded" in caught.value.next_step


def test_an_export_of_fewer_fields_takes_nothing_away() -> None:
    def bring(*lines: str) -> None:
        def write(folder: Path) -> Path:
            file = folder / "jira.csv"
            file.write_text("\n".join(lines))
            return file

        log.bring(write)

    log = ImportedLog("jira")
    bring(
        "Summary,Issue key,Issue id,Status,Priority,Assignee,Labels,Description,Environment,Parent key",
        "One,AB-1,1,Done,High,ann,x,Why,prod,AB-2",
        "Two,AB-2,2,To Do,,,,,,",
    )

    before = log.current_states()

    bring("Summary,Issue key,Issue id", "One,AB-1,1", "Two,AB-2,2")

    without = [
        {
            name: {entity: value for entity, value in state.items() if entity != "metadata"}
            for name, state in one.items()
        }
        for one in (before, log.current_states())
    ]
    assert without[0] == without[1]


@pytest.mark.parametrize(
    "columns, cells, expected",
    [
        (
            "Zusammenfassung,Vorgangsschlüssel,Status,Priorität,Bearbeiter,Eingehende Vorgangsverknüpfung (Blocks)",
            "Laden,AE-2,In Prüfung,Höchste,Zoë,AE-1",
            ("review", 1, [("depends_on", "AE-1")]),
        ),
        (
            "Resumen,Clave,Estado,Prioridad,Persona asignada,Enlace de incidencia saliente (Duplicate)",
            "Cargar,AE-2,En espera,Más baja,Zoë,AE-1",
            ("waiting", 5, [("duplicates", "AE-1")]),
        ),
        (
            "Résumé,Clé,État,Priorité,Personne assignée,Lien de ticket entrant (Blocks)",
            "Charger,AE-2,Annulé,Élevée,Zoë,AE-1",
            ("dropped", 2, [("depends_on", "AE-1")]),
        ),
        (
            "Resumo,Chave,Status,Prioridade,Responsável,Campo personalizado (Data de entrada)",
            "Carregar,AE-2,Concluída,Média,Zoë,AE-1",
            ("done", 3, []),
        ),
        (
            "Тема,Ключ проблемы,Статус,Приоритет,Исполнитель,Внешняя ссылка на проблему (Duplicate),Создано",
            "Загрузка,AE-2,Отклонено,Высокий,Zoë,AE-1,29/июл/26 09:59",
            ("dropped", 2, [("duplicates", "AE-1")]),
        ),
        (
            "Тема,Ключ проблемы,Статус,Приоритет,Исполнитель,Пользовательское поле (Ссылка на эпик)",
            "Загрузка,AE-2,В работе,Средний,Zoë,AE-1",
            ("active", 3, [("parent", "AE-1")]),
        ),
        (
            "Riepilogo,Chiave di ticket,Stato,Priorità,Assegnatario,Campo personalizzato (Epic Link)",
            "Caricare,AE-2,Completata,Bassa,Zoë,AE-1",
            ("done", 4, [("parent", "AE-1")]),
        ),
        (
            "概要,问题关键字,状态,优先级,经办人,自定义字段(史诗链接)",
            "加载,AE-2,正在进行,最高,Zoë,AE-1",
            ("active", 1, [("parent", "AE-1")]),
        ),
        (
            "요약,이슈 키,상태,우선순위,담당자,사용자정의 필드 (Epic Link)",
            "로드,AE-2,진행 중,높음,Zoë,AE-1",
            ("active", 2, [("parent", "AE-1")]),
        ),
    ],
)
def test_states_priorities_and_links_are_understood_in_the_languages_of_the_columns(
    tmp_path: Path, columns: str, cells: str, expected: tuple[str, int, list[tuple[str, str]]]
) -> None:
    (item,) = read(tmp_path, f"{columns}\n{cells}\n").items

    links = [(link.kind, link.to) for link in item.links]
    assert (item.category, item.fields["priority"], links) == expected
    assert item.fields["assignee"] == "Zoë"
