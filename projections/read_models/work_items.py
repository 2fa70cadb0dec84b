"""The read model `work_items`."""

from collections.abc import Iterator

from ledger.work_item.decider import decider
from ledger.work_item.state import WorkItem
from projections.read_models import search_terms
from projections.read_models.projection import Projection


def entries(_: str, item: WorkItem) -> Iterator[tuple[str, str]]:
    """Found by its tags, by what it links to, and by the id it has in the tracker it was imported from."""
    for tag in item.tags:
        yield "tag", tag
    for link in item.links:
        yield link.kind, link.to_id
    if item.external_id is not None and not item.withdrawn:
        yield "external_id", external_key(item.external_source or "", item.external_id)


def texts(item: WorkItem) -> dict[str, tuple[str, ...]]:
    """Where its words are searched for; see projections.terms."""
    others = (item.description, item.notes, item.block_reason, item.branch_name, item.external_id)
    return {
        search_terms.TITLE: (item.title,),
        search_terms.TAG: item.tags,
        search_terms.TEXT: (
            *filter(None, others),
            *search_terms.texts_in(item.metadata),
            *(link.note or "" for link in item.links),
        ),
    }


def external_key(source: str, external_id: str) -> str:
    return f"{source}:{external_id}"


work_items = Projection(name="work_items", shape=3, decider=decider, entries=entries, texts=texts)
