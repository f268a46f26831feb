"""Streams: results on stdout, notes and progress on stderr."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

UNTRAINED = "untrained weights: masks and names mean nothing yet"


@cache
def notes() -> "Console":
    """The console on stderr; NO_COLOR and FORCE_COLOR are obeyed."""
    from rich.console import Console

    return Console(stderr=True, emoji=False)


def note(message: str) -> None:
    """A line for the person at the terminal; never part of the result."""
    notes().print(message, style="dim", highlight=False, soft_wrap=True, markup=False)


def next_step(command: str) -> None:
    """The next sensible command, after a success."""
    note(f"next: {command}")


def print_json(value: Any) -> None:
    """The result for machines: one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_table(table: "Table") -> None:
    """The result for people; a pipe gets a fixed width, so that no figure is cut."""
    from rich.console import Console

    # file and class names may hold brackets and colons: nothing in a cell is markup
    out = Console(markup=False, emoji=False)
    if not out.is_terminal:
        out.width = 110
    out.print(table)


def red(text: str) -> "Text":
    """A cell that stands out."""
    from rich.text import Text

    return Text(text, style="red")


def table(title: str, *columns: str) -> "Table":
    """A table whose first column is text and whose others are figures; ``<`` in front sets one to the left."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        is_text = i == 0 or column.startswith("<")
        made.add_column(column.removeprefix("<"), justify="left" if is_text else "right", overflow="fold")
    return made


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """A bar over named steps: call the result at the start of each."""
    with _progress() as progress:
        task = progress.add_task("", total=total)
        started = False

        def begin(name: str) -> None:
            nonlocal started
            progress.update(task, description=name, advance=1 if started else 0)
            started = True

        yield begin
        progress.update(task, description="done", completed=total)


@contextmanager
def counter(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar over things that are alike: call the result with how many are done since the last call."""
    with _progress() as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


def _progress() -> Any:
    """No bars where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=notes(), transient=True, disable=not notes().is_terminal)
