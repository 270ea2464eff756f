import torch
from torch import nn

ANSWER = "_jit_pass_dce"

model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2)).eval()
args = (torch.ones(1, 4),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
