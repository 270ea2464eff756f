import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x.reshape(x.shape[0], -1) * 2


model, args = Net(), (torch.ones(3, 2, 2),)
torch.onnx.export(
    model,
    args,
    "model.onnx",
    dynamo=False,
    input_names=["x"],
    dynamic_axes={"x": {0: "batch"}},
)
