"""What the explanations say that a pass makes of a graph is what it makes of one."""

import pytest
import rows_before_conversion
import rows_of_dynamo
import rows_of_onnx
import rows_of_passes
import torch
from claims import says
from graph_rows import atlas

import torch_facts
from onnxspan.learn import small

ROWS = [
    *rows_before_conversion.ROWS,
    *rows_of_onnx.ROWS,
    *rows_of_dynamo.ROWS,
    *rows_of_passes.ROWS,
]

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


def changed(row):
    """The text of the row's graph before and after the pass."""
    if not row.graph:
        models = {**small.models(), **atlas("minimal_onnx").PASSES}
        change = atlas("looking").look(row.name, models[row.name])
        return change.before.text if change.before else "", change.after.text
    graph = torch._C.parse_ir(row.graph, True)
    before = str(graph)
    returned = getattr(torch._C, row.name)(graph, *row.arguments)
    return before, str(returned if isinstance(returned, torch._C.Graph) else graph)


@pytest.mark.parametrize("row", ROWS, ids=[f"{at}-{row.name}" for at, row in enumerate(ROWS)])
def test_a_pass_does_what_its_text_says(row):
    """The graph after the pass has what the sentences of the row say, or the pass fails so."""
    if row.error:
        with pytest.raises(RuntimeError, match=row.error):
            changed(row)
    else:
        before, after = changed(row)
        assert row.probe(before, after), f"{before}\n{after}"


for one in ROWS:
    says(one.name, *one.sentences)(test_a_pass_does_what_its_text_says)
