"""A filter of work items is declared in the input of the operation; the command and the pages offer it from there."""

from typing import Annotated, Literal

import click
from pydantic import Field

from mcp_adapter.console import filters as pages
from projections.cli.daily.lists import list_
from projections.cli.daily.shared import filters as command
from projections.operations.work.work_item_inputs import ListWorkItemsInput


class Wider(ListWorkItemsInput):
    area: Annotated[str | None, Field(description="Of this area")] = None
    season: Annotated[Literal["summer", "winter"] | None, Field(description="For this season")] = None
    weekly: Annotated[bool | None, Field(description="Only what recurs weekly (false: does not)")] = None


def test_a_new_filter_is_an_option_of_the_command_under_its_name_with_its_sentence() -> None:
    made = click.command()(command.filter_options(model=Wider)(lambda: None))

    options = {option.name: option for option in made.params if isinstance(option, click.Option)}
    assert (options["area"].opts, options["area"].help) == (["--area"], "Of this area.")
    assert isinstance(options["season"].type, click.Choice)
    assert list(options["season"].type.choices) == ["summer", "winter"]
    assert (options["weekly"].is_flag, options["weekly"].help) == (True, "Only what recurs weekly.")


def test_a_new_filter_is_a_control_of_the_page_with_its_words() -> None:
    made = {control["name"]: control for control in pages.controls({}, model=Wider)}

    assert (made["area"]["label"], made["area"]["kind"]) == ("Area", "text")
    assert made["season"]["choices"] == [("summer", "summer"), ("winter", "winter")]
    assert "weekly" in pages.only(Wider)


def test_what_a_command_or_page_does_not_offer_is_a_field_of_the_input_and_has_a_reason() -> None:
    fields = set(ListWorkItemsInput.model_fields)

    assert command.IN_OTHER_WORDS.keys() | command.NOT_OFFERED.keys() <= fields
    assert not command.IN_OTHER_WORDS.keys() & command.NOT_OFFERED.keys()
    assert set(command.IN_OTHER_WORDS.values()) <= {parameter.name for parameter in list_.params}
    assert pages.NOT_OFFERED.keys() | pages.OWN_CONTROLS | set(pages.FIRST) <= fields
    assert all({**command.NOT_OFFERED, **pages.NOT_OFFERED}.values())
