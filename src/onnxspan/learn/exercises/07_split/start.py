import torch
from torch import nn


@torch.jit.script
def halves(x):
    parts = torch.split(x, 2, 1)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


class Net(nn.Module):
    def forward(self, x):
        return halves(x)


model, args = Net(), (torch.arange(8.0).reshape(2, 4),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
