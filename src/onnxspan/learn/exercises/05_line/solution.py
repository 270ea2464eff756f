import torch
from torch import nn

ANSWER = 11


class Net(nn.Module):
    def forward(self, x):
        x = torch.relu(x)
        x = x - x.max()
        x = torch.softmax(x, -1)
        return x.log()


model, args = Net(), (torch.ones(2, 4),)
torch.onnx.export(model, args, "model.onnx", dynamo=True, verbose=False)
