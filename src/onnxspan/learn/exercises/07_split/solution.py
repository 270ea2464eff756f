import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        first, second = torch.split(x, 2, 1)
        return first + second


model, args = Net(), (torch.arange(8.0).reshape(2, 4),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
