import torch
from torch import nn

ANSWER = "_jit_pass_onnx_eval_peephole"

model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
args = (torch.ones(1, 3, 8, 8),)
torch.onnx.export(model, args, "model.onnx", dynamo=False)
