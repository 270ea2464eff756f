"""An option that may be written with a value or without: `--verify` or `--verify=stages`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class CommandWithOptionalValues(click.Command):
    """A command some of whose options have a value only after `=`.

    click would take the word after `--verify`, the script, for the option's value.
    """

    optional: Mapping[str, str] = {}
    """By option, the value that the option has without one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give each such option its value, up to the first word that is no option's."""
        takes_value = {
            name
            for parameter in self.params
            if isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.count)
            for name in parameter.opts
        }
        rewritten = list(args)
        position = 0
        while position < len(rewritten) and rewritten[position].startswith("-"):
            word = rewritten[position]
            if word == "--":
                break
            if word in self.optional:
                rewritten[position] = f"{word}={self.optional[word]}"
            elif word in takes_value:
                position += 1
            position += 1
        return super().parse_args(ctx, rewritten)
