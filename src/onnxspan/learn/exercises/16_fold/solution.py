import torch
from torch import nn

model, args = nn.Linear(4, 3).eval(), (torch.ones(2, 5, 4),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
