import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x.reshape(int(x.shape[0]), -1) * 2


model, args = Net(), (torch.ones(3, 2, 2),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
