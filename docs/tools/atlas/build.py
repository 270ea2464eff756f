"""Write the atlas: a page for each stage and pass, with what it does to a real graph.

The text is the explanation. The graphs are from an export of a minimal model, made now, with
the torch that is installed: `onnxspan.learn.small` has the models, and `minimal_onnx.py` ONNX text for
passes that no small export makes act.

Usage: python docs/tools/atlas/build.py [FOLDER]
"""

from __future__ import annotations

import difflib
import importlib.metadata
import pathlib
import re
import sys

import looking
import minimal_onnx
import torch
from example import Direct

import onnxspan
from onnxspan import explanations
from onnxspan.learn import small
from onnxspan.learn.small.minimal import Minimal

FOLDER = pathlib.Path(__file__).parents[2] / "reference" / "atlas"
IMAGES = FOLDER.parents[1] / "images"
_DRAWN = re.compile(r'<rect class="(?:stage|pass)"[^>]*/><text[^>]*>([^<]+)</text>')
EXAMPLES: dict[str, Minimal | Direct] = {
    **small.models(),
    **minimal_onnx.PASSES,
}
"""By the name of the stage or pass; one that is not here has none."""

UNKNOWN = "No minimal model is known that makes it change the graph."
LEAVES = "None to show: it changes no graph."
NO_GRAPH = "None to show: it is no pass over a graph, or none of its own."
NO_TEXT = {
    "ClearMetadataAndDocStringPass": "None to show: a graph's text has neither of the two in it."
}
LEFT_OUT = {
    looking.TORCHSCRIPT: "Source lines, strides and devices are left out.",
    looking.FX: "The numbers of users are left out.",
    looking.ONNX: "Versions and the nodes' numbers and names are left out.",
}


def page(name: str) -> str:
    """The Markdown page of one stage or pass.

    Raises:
        RuntimeError: when its minimal model does not make it act.
    """
    found = explanations.get(name)
    text = found.markdown() if found is not None else ""
    example = EXAMPLES.get(name)
    if example is None:
        return f"{text}\n## On a real graph\n\n{_without_graph(name)}\n"
    change = looking.look(name, example)
    if change is None:
        raise RuntimeError(f"the minimal model of {name} does not make it change the graph")
    kinds = [graph.kind for graph in (change.before, change.after) if graph is not None]
    said = [
        f"With {_versions(example)}.",
        *(LEFT_OUT[kind] for kind in dict.fromkeys(kinds)),
        *([DIRECT] if isinstance(example, Direct) else []),
    ]
    return (
        f"{text}\n## On a real graph\n\n{' '.join(said)}\n\n"
        f"```python\n{example.source()}\n```\n\n{_shown(change)}"
    )


DIRECT = (
    "No small export is known in which the pass has anything to do: here it is called directly."
)


def _versions(example: Minimal | Direct) -> str:
    if isinstance(example, Direct):
        return f"onnx_ir {importlib.metadata.version('onnx_ir')}"
    return f"torch {torch.__version__.partition('+')[0]}, onnxspan {onnxspan.__version__}"


def _shown(change: looking.Change) -> str:
    before, after = change.before, change.after
    shown_after = f"```text\n{after.text}```\n"
    if before is None:
        return f"It is given no graph, and makes one ({after.kind}):\n\n{shown_after}"
    shown = f"Before ({before.kind}):\n\n```text\n{before.text}```\n\n"
    shown += f"After ({after.kind}):\n\n{shown_after}\n"
    if before.kind != after.kind:
        return shown + "These are two kinds of graph: a difference line by line says nothing.\n"
    lines = (graph.text.splitlines(True) for graph in (before, after))
    diff = "".join(difflib.unified_diff(*lines, "before", "after"))
    return f"{shown}The difference:\n\n```diff\n{diff}```\n"


def leaves_graphs(name: str) -> bool:
    """Whether the text of a stage or pass says that it changes nothing."""
    found = explanations.get(name)
    return found is not None and found.sections["What it changes"].startswith("Nothing")


def is_pass(name: str) -> bool:
    """Whether it is one of torch's or onnx_ir's passes, by its name."""
    return name.startswith("_jit_pass_") or name.endswith("Pass")


def _without_graph(name: str) -> str:
    if name in NO_TEXT:
        return NO_TEXT[name]
    if leaves_graphs(name):
        return LEAVES
    return UNKNOWN if is_pass(name) else NO_GRAPH


def file_name(name: str) -> str:
    """A page's file; a link must not have blanks in it."""
    return name.replace(" ", "_") + ".md"


def in_order(exporter: str) -> list[str]:
    """An exporter's stages and passes as the drawing of its pipeline has them, one after the other."""
    drawing = IMAGES / f"pipeline-{exporter}.svg"
    drawn = _DRAWN.findall(drawing.read_text(encoding="utf-8"))
    return [name for name in drawn if explanations.get(name) is not None]


def neighbours(name: str) -> str:
    """The stages and passes before and after one in the pipeline; empty where it is in none."""
    for exporter in ("torchscript", "dynamo"):
        order = in_order(exporter)
        if name not in order:
            continue
        place = order.index(name)
        before, after = order[:place][-1:], order[place + 1 :][:1]
        links = [f"before it [`{one}`]({file_name(one)})" for one in before]
        links += [f"after it [`{one}`]({file_name(one)})" for one in after]
        return f"\nIn [the pipeline](index.md): {', '.join(links)}.\n"
    return ""


def index() -> str:
    """The list of all pages, in the order of the pipeline; what a plain export lacks comes last."""
    head = (
        f"A page for each of {len(explanations.names())} stages and passes: what it does, why it "
        f"is there, what goes wrong in it. {len(EXAMPLES)} of them, marked ◆, show a real graph "
        "before and after it, from the smallest model that we know to make it act; the graphs are "
        "made with these pages, by `python docs/tools/atlas/build.py`."
    )
    lines = ["# Atlas of stages and passes\n", head]
    for exporter, title in (
        ("both", "Both exporters"),
        ("torchscript", "The TorchScript exporter"),
        ("dynamo", "The dynamo exporter"),
        ("pipeline", "Before and after the export"),
    ):
        lines.append(f"\n## {title}\n")
        named = [
            (name, found)
            for name in explanations.names()
            if (found := explanations.get(name)) is not None and found.exporter == exporter
        ]
        order = in_order(exporter) if exporter in ("torchscript", "dynamo") else []
        if order:
            # Not an image: in an image no link works.
            lines.append(
                f'<object type="image/svg+xml" data="../../images/pipeline-{exporter}.svg" '
                f'style="width: 100%">The pipeline of {title.lower()}</object>\n'
            )
        for is_drawn in (True, False):
            listed = [one for one in named if (one[0] in order) is is_drawn]
            if order and not is_drawn:
                lines.append("\n### Not in every export\n")
            if is_drawn:
                listed.sort(key=lambda one: order.index(one[0]))
            for name, found in listed:
                mark = " ◆" if name in EXAMPLES else ""
                lines.append(f"- [`{name}`]({file_name(name)}){mark}: {found.one_line}")
    return "\n".join(lines) + "\n"


def main(folder: pathlib.Path) -> int:
    """Write every page; the number of models that did not do what they are for."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in explanations.names():
        try:
            text = page(name) + neighbours(name)
            (folder / file_name(name)).write_text(text, encoding="utf-8")
        except Exception as error:  # the other pages are written all the same
            failed += 1
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
    (folder / "index.md").write_text(index(), encoding="utf-8")
    print(f"{len(explanations.names())} pages, {len(EXAMPLES) - failed} with a graph, in {folder}")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)))
