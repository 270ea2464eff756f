import torch
from torch import nn

model, args = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval(), (torch.ones(1, 4),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
