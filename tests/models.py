"""Small real models that the tests export, and the toy transformer of the budget."""

from __future__ import annotations

import torch
from torch import nn


class Convolutional(nn.Module):
    """Convolution, batch norm, pooling, linear."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.head = nn.Linear(8 * 8 * 8, 10)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (
            t.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for t in (q, k, v)
        )
        scores = torch.softmax(q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5, dim=-1)
        return self.out((scores @ v).transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """The toy transformer whose export the overhead budget is about."""

    def __init__(self, layers=2, width=64, heads=4, vocabulary=100):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.head(self.blocks(self.embedding(tokens)))


def transformer(layers=2):
    """The transformer in eval mode with its example inputs."""
    return Transformer(layers).eval(), (torch.zeros(1, 16, dtype=torch.long),)


def convolutional():
    """The convolutional model in eval mode with its example inputs."""
    return Convolutional().eval(), (torch.zeros(1, 3, 16, 16),)


class Long(nn.Module):
    """Cheap operators in a row: about four spans for each turn, at level `nodes`."""

    def __init__(self, turns):
        super().__init__()
        self.turns = turns

    def forward(self, x):
        for _ in range(self.turns):
            x = x * 1.5 + 0.5
        return x
