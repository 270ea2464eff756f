import torch
from torch import nn

model, args = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2)), (torch.ones(1, 4),)
torch.onnx.export(
    model,
    args,
    "model.onnx",
    dynamo=False,
    training=torch.onnx.TrainingMode.TRAINING,
    do_constant_folding=False,
)
