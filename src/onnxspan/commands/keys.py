"""Keys from the terminal, one at a time, none lost.

`click.getchar` switches the terminal back and forth for every key and throws away what was
typed in between, so that a pasted search text loses letters. Here the terminal is switched
once; where there is no termios (Windows), click does it, and does not lose any there.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

END = ""
"""The key that stands for: there will be no more."""

_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|.", re.DOTALL)


@contextlib.contextmanager
def reading() -> Iterator[Callable[[], str]]:
    """Give a function that waits for the next key; the terminal is afterwards as it was.

    A key is one character, Ctrl-C and Ctrl-D among them, or the escape sequence of an arrow
    or page key. A closed terminal gives `END`.
    """
    try:
        import termios  # not on Windows
        import tty  # as above
    except ImportError:
        yield _by_click
        return
    source = sys.stdin.fileno()
    before = termios.tcgetattr(source)
    try:
        tty.setcbreak(source, termios.TCSADRAIN)
        mode = termios.tcgetattr(source)
        mode[3] &= ~termios.ISIG  # Ctrl-C is a key here, and cannot strike in mid-drawing
        termios.tcsetattr(source, termios.TCSADRAIN, mode)
        yield _reader(source)
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)


def _reader(source: int) -> Callable[[], str]:
    waiting: collections.deque[str] = collections.deque()

    def next_key() -> str:
        try:
            while not waiting:
                data = os.read(source, 1024)
                if not data:
                    return END
                waiting.extend(_KEY.findall(data.decode("utf-8", "replace")))
        except (KeyboardInterrupt, OSError):
            return END
        return waiting.popleft()

    return next_key


def _by_click() -> str:
    try:
        return click.getchar()
    except (KeyboardInterrupt, EOFError):
        return END
