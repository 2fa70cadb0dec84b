"""What is asked again and again is planned once, and kept on the server."""

from uuid import uuid4

import pytest

from ledger.errors import LedgerError
from projections.application.app import App
from projections.tables.postgres import PostgresTables
from tests.conftest import Perform

KEPT = "SELECT statement FROM pg_prepared_statements"


@pytest.fixture
def keeping(app: App) -> App:
    if not app.database.prepares:
        pytest.skip("this run goes through a pooler that keeps no statements")
    return app


def test_a_question_of_one_plan_is_kept_on_the_server(keeping: App) -> None:
    with keeping.database.transaction() as connection:
        keeping.tables.ask("vendors/by_name", name_key="acme")
        kept = {statement.splitlines()[0] for (statement,) in connection.execute(KEPT).fetchall()}

    assert any("The vendor of a name" in statement for statement in kept)


def test_a_question_with_optional_filters_is_planned_anew_each_time(keeping: App) -> None:
    with keeping.database.transaction() as connection:
        keeping.tables.ask("vendors/count", status=None, format=None)
        kept = [statement for (statement,) in connection.execute(KEPT).fetchall()]

    assert not any("IS NULL OR" in statement for statement in kept)


def test_a_view_that_is_refused_leaves_the_connection_fit_for_the_next(keeping: App, perform: Perform) -> None:
    made = perform("create_vendor", name="Acme")
    perform("query_vendor_status", name="Acme")
    stranger = PostgresTables(keeping.database, uuid4())
    stranger._generations = keeping.tables._generations
    keeping.database.forget()

    with pytest.raises(LedgerError):
        stranger.ask("vendors/by_name", name_key="acme")

    assert perform("query_vendor_status", name="Acme")["id"] == made["id"]
