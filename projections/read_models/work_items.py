"""The read model `work_items`."""

from collections.abc import Iterator

from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.state import WorkItem
from ledger.values.dates import FIRST, LAST
from projections.read_models import search_terms
from projections.read_models.columns import Condition, Equal, Field, Flags, HasEntry, Index, Joined, Mark, Moment
from projections.read_models.projection import Projection

TAG = "tag"  # the relation of items to their tags
SOURCE_ID = "source_id"  # the relation of ids that sources gave, which several items may have
NEVER_DUE = "~"  # sorts behind every day
ATTACHMENT = "attachment"  # the relation of items to the kinds of what is attached to them
REFUSED = "refused"  # the relation of items that a refusal gave back to a person
HIDDEN = {"deleted": 1, "archived": 2, "withdrawn": 4}  # bits of the column `hidden`; questions have their sums


def entries(_: str, item: WorkItem) -> Iterator[tuple[str, str]]:
    """Found by its tags, by what it links to, by what kinds are attached to it, by whom a refusal gave it back to,
    and by the id it has in the tracker it was imported from."""
    for tag in item.tags:
        yield TAG, tag
    for link in item.links:
        yield link.kind, link.to_id
    for kind in sorted({attachment.kind for attachment in item.attachments.values()}):
        yield ATTACHMENT, kind
    if item.answer is not None and item.answer.verdict == "refuse":
        yield REFUSED, item.assignee or (item.claim.by if item.claim else item.answer.question.by)
    if item.external_id is not None and not item.withdrawn:
        yield "external_id", external_key(item.external_source or "", item.external_id)
        yield SOURCE_ID, source_id_key(item.external_id)


def texts(item: WorkItem) -> dict[str, tuple[str, ...]]:
    """Where its words are searched for; see projections.read_models.search_terms."""
    found = [item.description, item.notes, item.block_reason, item.branch_name, item.external_id]
    if item.metadata:
        found += search_terms.texts_in(item.metadata)
    found += [link.note for link in item.links]
    found += [comment.text for comment in item.comments.values()]
    if item.question or item.answer:
        found += _decision_texts(item)
    found += [entry.note for entry in item.effort.values()]
    found += [text for url, file in item.attachments.items() for text in (url, file.name)]
    return {
        search_terms.TITLE: (item.title,),
        search_terms.TAG: item.tags,
        search_terms.TEXT: tuple([text for text in found if text]),
    }


def _decision_texts(item: WorkItem) -> Iterator[str | None]:
    """What is asked, and the newest question that was answered, with its answer."""
    answered = item.answer
    for question in (item.question, answered.question if answered else None):
        yield from (question.text, *question.choices) if question else ()
    yield answered.text if answered else None


def derived(item: WorkItem) -> dict[str, int]:
    """What a report counts, and what went into the item itself."""
    comments = sum([not comment.withdrawn for comment in item.comments.values()])
    counts = {"comment_count": comments} if comments else {}
    if item.attachments:
        counts["attachment_count"] = len(item.attachments)
    entries = item.effort.values()
    counts["effort_minutes"] = sum([entry.minutes for entry in entries])
    counts["effort_tokens"] = sum([entry.tokens for entry in entries])
    counts["effort_cost"] = sum([entry.cost_micros for entry in entries])
    return counts


def place(item: WorkItem) -> tuple[int, str, str]:
    """The columns `hidden`, `status` and `category`, as what finds the item has them too."""
    return sum([bit for name, bit in HIDDEN.items() if getattr(item, name)]), item.status, item.category


def source_id_key(external_id: str) -> str:
    """What a person types of an id that a source gave: in any case, without the source."""
    return external_id.strip().casefold()


def external_key(source: str, external_id: str) -> str:
    return f"{source}:{external_id}"


work_items = Projection(
    name="work_items",
    shape=13,
    decider=decider,
    entries=entries,
    derived=derived,
    texts=texts,
    listed_by=frozenset({TAG}),
    place=place,
    columns=(
        Field("item_type", absent=""),
        Field("status", absent=decider.initial.status),
        Field("title", absent=""),
        Field("parent_id"),
        Field("priority", "int"),
        Joined("rank", (Field("priority", absent="9"), Field("created_at"))),
        Flags("hidden", HIDDEN),
        Field("claimed_by", inside=("claim", "by")),
        Field("claimed_until", inside=("claim", "until")),
        Field("created_at"),
        Field("updated_at"),
        Field("category", absent=decider.initial.category),
        Field("assignee"),
        Field("waits_for", inside=("question", "whom")),
        Moment("due_by", "due", of_day=LAST, absent=NEVER_DUE),
        Moment("starts_at", "not_before", of_day=FIRST),
        Field("milestone_id"),
        Field("estimate", "int"),
        Field("effort_minutes", "bigint"),
        Field("effort_tokens", "bigint"),
        Field("effort_cost", "bigint"),
        Mark("held"),  # bits: 1 an unfinished living item blocks it, 2 it has an unfinished living child
    ),
    indexes=(
        Index("work_items_children", ("parent_id", "id")),
        Index("work_items_by_update", ("updated_at", "id")),
        Index("work_items_by_creation", ("created_at", "id")),
        Index(
            "work_items_open",
            ("rank", "id"),
            where="category IN ('planned', 'active') AND hidden = 0",
            and_in_postgres="held = 0",
        ),
        Index("work_items_claimed", ("claimed_by", "claimed_until"), where="claimed_by IS NOT NULL"),
        Index("work_items_waiting", ("waits_for", "id"), where="waits_for IS NOT NULL"),
        Index("work_items_by_due", ("due_by", "id")),
        Index("work_items_of_milestone", ("milestone_id", "category"), where="milestone_id IS NOT NULL"),
        Index("work_items_deferred", ("starts_at", "id"), where="starts_at IS NOT NULL"),
        Index("work_items_by_priority", ("rank", "id")),
        Index(
            "work_items_in_hand",
            ("assignee", "rank", "id"),
            where="assignee IS NOT NULL AND category NOT IN ('done', 'dropped')",
        ),
        Index("work_items_projects", ("created_at", "id"), where="item_type = 'project'"),
        Index(
            "work_items_resting",
            ("id",),
            where="held & 1 = 1 OR category IN ('waiting', 'dropped') OR category = 'review' OR waits_for IS NOT NULL"
            " OR starts_at IS NOT NULL",
            only_in_postgres=True,
        ),
        Index(
            "work_items_counted",
            ("hidden", "status", "category", "item_type", "priority", "position", "parent_id"),
            only_in_postgres=True,
        ),
    ),
    filters=(
        Equal("item_type"),
        Equal("status"),
        Equal("category"),
        Equal("assignee"),
        Equal("parent_id"),
        Equal("milestone_id"),
        Equal("priority"),
        Condition("(CAST(%(due_until)s AS text) IS NULL OR item.due_by <= %(due_until)s)"),
        Condition(
            "(CAST(%(overdue)s AS int) IS NULL"
            " OR item.due_by < %(moment)s AND item.category NOT IN ('done', 'dropped'))"
        ),
        Condition("(coalesce(%(deferred)s, 0) = 0 OR item.starts_at > %(moment)s)"),
        Condition("(coalesce(%(deferred)s, 1) = 1 OR item.starts_at IS NULL OR item.starts_at <= %(moment)s)"),
        Condition("(CAST(%(roots_only)s AS int) IS NULL OR item.parent_id IS NULL)"),
        Condition("(CAST(%(unfinished)s AS int) IS NULL OR item.category NOT IN ('done', 'dropped'))"),
        Condition(
            "(CAST(%(claimed_by)s AS text) IS NULL"
            " OR item.claimed_by = %(claimed_by)s AND item.claimed_until > %(moment)s)"
        ),
        Condition("(CAST(%(since)s AS bigint) IS NULL OR item.position > %(since)s)"),
        Condition("item.hidden IN (0, %(deleted)s, %(archived)s, %(both)s)"),
        HasEntry(TAG, "tag"),
        HasEntry(ATTACHMENT, "attachment"),
    ),
)
