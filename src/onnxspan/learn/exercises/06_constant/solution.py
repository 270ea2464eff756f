import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x + 0.5


model, args = Net(), (torch.ones(512, 512),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
