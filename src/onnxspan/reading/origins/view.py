"""The map of a file as text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from onnxspan.errors import TraceFileError
from onnxspan.reading import figures
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxspan.reading.origins.origins import (
        InitializerOrigin,
        NodeOrigin,
        Origin,
        Origins,
        Removed,
    )

MAX_REMOVED = 20
"""Removed operators that the list by module names."""
ITSELF = "the model itself"
ADDED = "added by the exporter"
ADDED_LATER = "added after the export"
UNKNOWN = "unknown"


def chosen(
    found: Origins, source: str, *, node: str | None, module: str | None, line: str | None
) -> Origins:
    """The part of a map that stems from one node, module or line.

    Raises:
        TraceFileError: when nothing does.
    """
    wanted = found
    if node is not None:
        wanted = dataclasses.replace(
            wanted, nodes=tuple(one for one in wanted.nodes if one.node == node)
        )
        if not wanted.nodes:
            raise TraceFileError(
                source,
                f"the exported file has no node {one_line(node)!r}",
                "Node names are those that onnx.load gives: list them with `onnxspan origins FILE "
                "--json`",
            )
        names = {one.name for one in found.initializers}
        wanted = dataclasses.replace(wanted, initializers=(), removed=()) if names else wanted
    tests: tuple[tuple[str | None, Callable[[Origin], bool], str], ...] = (
        (module, lambda origin: _is_inside(origin, module or ""), "module"),
        (line, lambda origin: _is_at(origin, line or ""), "line"),
    )
    for given, fits, what in tests:
        if given is None:
            continue
        wanted = dataclasses.replace(
            wanted,
            nodes=tuple(one for one in wanted.nodes if any(map(fits, one.origins))),
            initializers=tuple(one for one in wanted.initializers if any(map(fits, one.origins))),
            removed=tuple(one for one in wanted.removed if fits(one.origin)),
        )
        if not (wanted.nodes or wanted.initializers or wanted.removed):
            raise TraceFileError(
                source,
                f"nothing in the exported file stems from the {what} {one_line(given)}",
                "Modules are paths such as encoder.layers.0, lines are model.py:31",
            )
    return wanted


def with_largest(found: Origins, number: int) -> Origins:
    """The map with its largest constants alone."""
    listed = sorted(found.initializers, key=lambda one: -one.bytes)[:number]
    return dataclasses.replace(found, initializers=tuple(listed))


def by_module(found: Origins) -> str:
    """A line for each module: its nodes by operator, and the bytes of its constants."""
    groups: dict[tuple[str, str], list[NodeOrigin]] = {}
    for node in found.nodes:
        groups.setdefault(_group(node, found), []).append(node)
    sizes: dict[tuple[str, str], int] = {}
    for one in found.initializers:
        if one.origins:
            first = one.origins[0]
            key = _module(first), one_line(first.module_class)
            sizes[key] = sizes.get(key, 0) + one.bytes
    rows: list[tuple[str, ...]] = [("module", "nodes", "bytes", "operators")]
    for (name, kind), nodes in groups.items():
        counts: dict[str, int] = {}
        for node in nodes:
            counts[node.op_type] = counts.get(node.op_type, 0) + 1
        operators = ", ".join(
            f"{operator} x{count}" if count > 1 else operator for operator, count in counts.items()
        )
        label = f"{name} ({kind.rpartition('.')[2]})" if kind else name
        size = sizes.get((name, kind), 0)
        rows.append((label, f"{len(nodes):,}", figures.size(size) if size else "", operators))
    lines = _table(rows)
    lines += [
        "",
        f"{found.known:,} of {len(found.nodes):,} nodes have an origin, or say which pass added them.",
    ]
    if found.removed:
        lines.append(f"{len(found.removed):,} operators of the model left no node:")
        lines += [f"  {_removed(one)}" for one in found.removed[:MAX_REMOVED]]
        if len(found.removed) > MAX_REMOVED:
            lines.append(f"  and {len(found.removed) - MAX_REMOVED:,} more (--json has all)")
    lines += [f"note: {one_line(note)}" for note in found.notes]
    return "\n".join(lines)


def nodes(found: Origins) -> str:
    """Some lines for each node: where it comes from, and what the passes did to it."""
    lines: list[str] = []
    for node in found.nodes:
        lines.append(f"{one_line(node.node) or '(without a name)'}  {one_line(node.op_type)}")
        lines += [f"  from    {_sentence(origin)}" for origin in node.origins]
        if node.added_by:
            lines.append(f"  {_added(node, found)} in {one_line(node.added_by)}")
            lines += [f"  serves  {_sentence(origin)}" for origin in node.serves]
        lines += [f"  {did:<7} {one_line(name)}" for name, did in node.passes]
        if not node.origins and not node.added_by:
            lines.append(f"  {UNKNOWN}: no recorded graph has this node")
    lines += [_constant(one) for one in found.initializers]
    lines += [f"removed: {_removed(one)}" for one in found.removed]
    return "\n".join(lines)


def largest(found: Origins, number: int) -> str:
    """The largest constants, with what they were made from."""
    listed = sorted(found.initializers, key=lambda one: -one.bytes)[:number]
    if not listed:
        return "The exported file has no constants."
    return "\n".join(_constant(one) for one in listed)


def _constant(one: InitializerOrigin) -> str:
    parts = [f"{figures.size(one.bytes):>10}  {one_line(one.name)}"]
    if one.parameter and one.parameter != one.name:
        parts.append(f"computed from {one_line(one.parameter)}")
    parts += [f"{did} in {one_line(name)}" for name, did in one.passes]
    parts += [
        f"read by {_sentence(origin)}" if one.parameter == one.name else _sentence(origin)
        for origin in one.origins[:2]
    ]
    return "\n            ".join(parts)


def _added(node: NodeOrigin, found: Origins) -> str:
    return ADDED_LATER if node.added_by in found.steps else ADDED


def _group(node: NodeOrigin, found: Origins) -> tuple[str, str]:
    if node.origins:
        first = node.origins[0]
        return _module(first), one_line(first.module_class)
    return (
        (f"{_added(node, found)} ({one_line(node.added_by)})", "")
        if node.added_by
        else (UNKNOWN, "")
    )


def _module(origin: Origin) -> str:
    return UNKNOWN if origin.module is None else one_line(origin.module) or ITSELF


def _sentence(origin: Origin) -> str:
    kind = f" ({one_line(origin.module_class)})" if origin.module_class else ""
    place = f"  {one_line(origin.file)}:{origin.line}" if origin.file else ""
    return f"{one_line(origin.operator)} in {_module(origin)}{kind}{place}"


def _removed(one: Removed) -> str:
    return f"{_sentence(one.origin)}: gone after {one_line(one.pass_name)}"


def _is_inside(origin: Origin, module: str) -> bool:
    return origin.module is not None and (
        origin.module == module or origin.module.startswith(f"{module}.")
    )


def _is_at(origin: Origin, line: str) -> bool:
    place = f"{origin.file}:{origin.line}"
    return bool(origin.file) and (place == line or place.endswith(f"/{line}"))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip()
        for row in rows
    ]
