"""The two small models of `onnxspan demo`."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Convolutional(nn.Module):  # type: ignore[misc]  # torch is untyped for us
    """Two convolutions with batch norm, pooling and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        )  # fmt: skip
        self.head = nn.Linear(32, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Images (batch, 3, height, width) to scores (batch, 10)."""
        scores: torch.Tensor = self.head(self.features(image).flatten(1))
        return scores


class Layer(nn.Module):  # type: ignore[misc]  # torch is untyped for us
    """One pre-norm transformer layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, length, width) to the same."""
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        weights = torch.softmax(q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5, dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))
        result: torch.Tensor = x + self.mlp(self.norm2(x))
        return result


class Transformer(nn.Module):  # type: ignore[misc]  # torch is untyped for us
    """An embedding, some layers and a head."""

    def __init__(self, layers: int = 4, width: int = 64, vocabulary: int = 100) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.Sequential(*(Layer(width, 4) for _ in range(layers)))
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (batch, length) to scores (batch, length, vocabulary)."""
        scores: torch.Tensor = self.head(self.layers(self.embedding(tokens)))
        return scores


def models() -> dict[str, tuple[nn.Module, tuple[Any, ...]]]:
    """Each model in eval mode, with its example inputs."""
    return {
        "convolutional": (Convolutional().eval(), (torch.zeros(1, 3, 32, 32),)),
        "transformer": (Transformer().eval(), (torch.zeros(1, 16, dtype=torch.long),)),
    }
