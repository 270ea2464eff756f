import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, y):
        return torch.hypot(x, y)


model, args = Net(), (torch.tensor([3.0, 5.0]), torch.tensor([4.0, 12.0]))
torch.onnx.export(model, args, "model.onnx", dynamo=True, verbose=False)
