"""What the operator sees: each step while it is done, and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """A spinner on a terminal, one line in a log; the line stays once the step is done."""
    began = time.monotonic()
    if console.is_terminal:
        with console.status(text):
            yield
    else:
        say(f"{text} …")
        yield
    took = time.monotonic() - began
    if console.is_terminal:
        console.print(f"[green]✓[/] {text} [dim]{took:.1f} s[/]")
    elif took >= 1:
        say(f"  done in {took:.1f} s")


def say(text: str = "") -> None:
    console.print(text, markup=False)
    sys.stdout.flush()


def warn(text: str) -> None:
    console.print(text, style="yellow", markup=False)
    sys.stdout.flush()


def refuse(text: str) -> None:
    """Why the portal does not start."""
    sys.stdout.flush()
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, style="red", markup=False)


def say_if_heard(text: str) -> None:
    """The terminal may be the very thing that was closed."""
    with suppress(OSError):
        say(text)
