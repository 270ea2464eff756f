import torch
from onnxscript import opset18 as op
from torch import nn


class Net(nn.Module):
    def forward(self, x, y):
        return torch.hypot(x, y)


model, args = Net(), (torch.tensor([3.0, 5.0]), torch.tensor([4.0, 12.0]))


def hypot(x, y):
    return op.Sqrt(op.Add(op.Mul(x, x), op.Mul(y, y)))


table = {torch.ops.aten.hypot.default: hypot}
torch.onnx.export(
    model, args, "model.onnx", dynamo=True, verbose=False, custom_translation_table=table
)
