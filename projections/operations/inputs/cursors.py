"""Cursors that lead on in one list only: that of one ledger, asked for by the same arguments.

What a cursor says is a place in an order, which every list of that order has: another list would go on from there and
leave out what comes before, without a word.
"""

import base64
import hashlib
from uuid import UUID

from pydantic import BaseModel

from projections.questions.pages import not_of_this_list

PAGES = {"cursor", "limit", "offset", "fields", "detail"}  # how a list is shown, not which one it is
BYTES = 3  # of a digest that says which list it is


def without_mark(cursor: str, mark: str) -> str:
    """The cursor of the question. Raises Invalid for one of another list."""
    own, separator, rest = cursor.partition(".")
    if not separator or own != mark:
        raise not_of_this_list(cursor)
    return rest


def with_mark(cursor: str, mark: str) -> str:
    return f"{mark}.{cursor}"


def mark_of(ledger: UUID, operation: str, request: BaseModel) -> str:
    asked = request.model_dump_json(exclude=PAGES, exclude_defaults=True)
    digest = hashlib.sha256(f"{ledger} {operation} {asked}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:BYTES]).decode()
