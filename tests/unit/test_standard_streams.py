"""What a command writes when it is interrupted while it writes."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import pytest

from projections.cli.terminal import streams
from tests.support.each import each


@each("over", [streams.answers, streams.remarks])
def test_what_was_written_when_an_interruption_came_is_not_written_again(
    tmp_path: Path, over: Callable[[TextIO], TextIO]
) -> None:
    output, interrupted = tmp_path / "output", list[str]()
    with output.open("w", encoding="utf-8") as file:
        stream = over(file)

        def interrupt(frame: FrameType, event: str, _: Any) -> None:
            if (
                event == "return"
                and frame.f_code.co_filename == streams.__file__
                and (tmp_path / "output").stat().st_size
            ):
                sys.setprofile(None)
                interrupted.append(frame.f_code.co_name)
                raise KeyboardInterrupt

        sys.setprofile(interrupt)
        with pytest.raises(KeyboardInterrupt):
            stream.write("An answer.\n")
            stream.flush()
        sys.setprofile(None)
        stream.flush()

    assert interrupted
    assert output.read_text(encoding="utf-8") == "An answer.\n"
