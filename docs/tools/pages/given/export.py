"""What the pages call your script: it exports a model, here a small one."""

import argparse

import torch

model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval()
args = (torch.zeros(2, 4),)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=2)
    batch = parser.parse_args().batch
    torch.onnx.export(model, (torch.zeros(batch, 4),), "model.onnx", dynamo=False)
