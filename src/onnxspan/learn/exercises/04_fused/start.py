import torch
from torch import nn

ANSWER = "?"

model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
args = (torch.ones(1, 3, 8, 8),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
