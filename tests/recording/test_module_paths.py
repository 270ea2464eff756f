"""The path of a module is found by torch's scope, which has only the ends of names."""

import pytest
from torch import nn

from onnxspan.recording.graphs.origin import ModulePaths


class Named(nn.Module):
    """A module with the given submodules."""

    def __init__(self, **modules):
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


def layers():
    """Two equal layers, each with a norm, in a list and beside a norm of the model's own."""
    return Named(blocks=nn.ModuleList(Named(norm=nn.ReLU()) for _ in range(2)), norm=nn.ReLU())


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("m.Net::", ""),
        ("m.Net::/m.Block::blocks.1", "blocks.1"),
        ("m.Net::/m.Block::blocks.1/nn.ReLU::norm", "blocks.1.norm"),
        ("m.Net::/nn.ReLU::norm", "norm"),
        ("m.Net::/nn.ReLU::gone", None),
    ],
)
def test_a_scope_gives_the_whole_path(scope, path):
    """Each module that encloses a module narrows the search; the model itself has an empty path."""
    paths = ModulePaths(layers())
    assert paths.of_scope(scope) == path
    assert paths.of_scope(scope) == path


def test_a_scope_of_two_modules_gives_none():
    """Two modules at one depth with the same end of a name are not told apart."""
    model = Named(one=Named(act=nn.ReLU()), two=Named(act=nn.ReLU()))
    assert ModulePaths(model).of_scope("m.Net::/nn.ReLU::act") is None
    assert ModulePaths(model).of_scope("m.Net::/m.Named::two/nn.ReLU::act") == "two.act"


def test_what_is_no_module_has_no_paths():
    """A function has no modules, and no scope has a path in it."""
    assert ModulePaths(print).of_scope("m.Net::/nn.ReLU::act") is None
