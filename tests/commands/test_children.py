"""What `onnxspan run` finds of the processes that a script has started."""

import os

from onnxspan.commands.children import Children


def test_in_order_of_time_without_what_has_gone(tmp_path):
    """Files stand in the order in which they were written; one that vanishes is left out."""
    for number, name in enumerate(("later", "earlier")):
        (tmp_path / f"{name}.jsonl").write_text("")
        os.utime(tmp_path / f"{name}.jsonl", ns=(0, 10 - number))
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    children = Children(tmp_path)
    children.look()
    assert [part.stem for part in children.parts] == ["earlier", "later"]
