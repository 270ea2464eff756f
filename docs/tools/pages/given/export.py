"""What the pages call your script: it exports a model, here a small one."""

import argparse

import torch

model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 4)
).eval()
args = (torch.zeros(2, 1, 8, 8),)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=2)
    batch = parser.parse_args().batch
    torch.onnx.export(model, (torch.zeros(batch, 1, 8, 8),), "model.onnx", dynamo=False)
