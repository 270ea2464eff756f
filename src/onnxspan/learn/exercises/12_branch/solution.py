import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return torch.where(x.sum() > 0, x * 2, x - 5)


model, args = Net(), (torch.ones(2, 2),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
