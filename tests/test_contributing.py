"""What CONTRIBUTING.md tells newcomers is so."""

import io
import pathlib
import re
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from models import convolutional
from onnxspan.conventions import PARAMETERS
from onnxspan.recording import recorder
from onnxspan.recording.probes import TABLES
from onnxspan.recording.probes.torchscript import table

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_row_of_the_page_makes_a_span(monkeypatch):
    """The worked example, word for word, added to the table, gives its span in a real export."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    # Where the page says to put it: among the names of that file.
    row = eval(code, vars(table))  # noqa: S307  # our own page
    (exporter,) = (kind for kind, rows in TABLES.items() if rows is table.TORCHSCRIPT)
    monkeypatch.setitem(TABLES, exporter, (*TABLES[exporter], row))
    monkeypatch.setattr(recorder, "_resolved", {})  # it looks for the places anew
    model, args = convolutional()
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    made = [span for span in trace.spans if span.name == row.name]
    assert {span.parent.name for span in made} == {"_model_to_graph"}
    assert made[0].get(PARAMETERS) == len(model.state_dict())
    assert trace.errors == []


def test_the_example_is_not_in_the_table_already():
    """The page shows something that is still to be done."""
    assert "_get_named_param_dict" not in {row.name for row in table.TORCHSCRIPT}


@pytest.mark.parametrize(
    "path",
    sorted(
        {
            *re.findall(r"`((?:src|tests|docs)/[\w./-]+)`", PAGE),
            *re.findall(r"(?:python|pytest) ((?:docs|tests)/[\w./-]+)", PAGE),
            *re.findall(r"\]\((\w[^)#]*)\)", PAGE),
            *(f"src/onnxspan/{path}" for path in re.findall(r"`((?:rec|read)\w+/\w+\.py)`", PAGE)),
        }
    ),
)
def test_what_the_page_names_is_there(path):
    """Every file and folder that the page points at exists."""
    assert (ROOT / path).exists() or re.search(r"/\d+\.\d+\.\d+\.json$", path)


def test_the_targets_of_make_exist():
    """Each `make` on the page is a target."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    asked = re.findall(r"(?:\$ |`)make ([a-z-]+(?: [a-z-]+)*)", PAGE)
    assert len(asked) >= 5
    assert {name for names in asked for name in names.split()} <= targets
