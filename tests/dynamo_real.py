"""Models as people export them, small: a decoder with a KV cache, and a U-Net with two inputs."""

from __future__ import annotations

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x, mask, past):
        batch, length, width = x.shape
        q, k, v = (
            part(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in (self.q, self.k, self.v)
        )
        k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        x = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o(x.transpose(1, 2).reshape(batch, length, width)), (k, v)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention = Attention(width, heads)
        self.norm1, self.norm2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.gate, self.up, self.down = (
            nn.Linear(width, 2 * width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width),
        )  # fmt: skip

    def forward(self, x, mask, past):
        added, present = self.attention(self.norm1(x), mask, past)
        x = x + added
        y = self.norm2(x)
        return x + self.down(nn.functional.silu(self.gate(y)) * self.up(y)), present


class Decoder(nn.Module):
    """Tokens, an attention mask over past and new ones, and the cache of the past."""

    def __init__(self, layers=3, width=32, heads=4, vocabulary=96):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens, attention_mask, past):
        x = self.embedding(tokens)
        length, whole = tokens.shape[1], attention_mask.shape[1]
        causal = torch.ones(length, whole, dtype=torch.bool).tril(whole - length)
        mask = causal[None, None] & attention_mask[:, None, None].bool()
        present = []
        for layer, cached in zip(self.layers, past, strict=True):
            x, new = layer(x, mask, cached)
            present.append(new)
        return {"logits": self.head(self.norm(x)), "present": present}


def decoder(layers=3):
    """The decoder, its inputs, and its dynamic shapes."""
    torch.manual_seed(0)
    past = [(torch.randn(2, 4, 5, 8), torch.randn(2, 4, 5, 8)) for _ in range(layers)]
    cached = {0: "batch", 2: "past"}
    shapes = {
        "tokens": {0: "batch", 1: "length"},
        "attention_mask": {0: "batch", 1: "whole"},
        "past": [(cached, cached) for _ in range(layers)],
    }
    args = (torch.ones(2, 3, dtype=torch.long), torch.ones(2, 8, dtype=torch.long), past)
    return Decoder(layers).eval(), args, {"dynamic_shapes": shapes}


class Convolutions(nn.Module):
    def __init__(self, given, made, time):
        super().__init__()
        self.conv1 = nn.Conv2d(given, made, 3, padding=1)
        self.conv2 = nn.Conv2d(made, made, 3, padding=1)
        self.norm1, self.norm2 = nn.GroupNorm(4, made), nn.GroupNorm(4, made)
        self.time = nn.Linear(time, made)

    def forward(self, x, t):
        x = nn.functional.silu(self.norm1(self.conv1(x))) + self.time(t)[:, :, None, None]
        return nn.functional.silu(self.norm2(self.conv2(x)))


class UNet(nn.Module):
    """A picture with noise, and the step: down twice, up twice, with skips."""

    def __init__(self, time=16):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(time, time), nn.SiLU())
        self.down = nn.ModuleList(Convolutions(a, b, time) for a, b in ((3, 8), (8, 16)))
        self.middle = Convolutions(16, 16, time)
        self.up = nn.ModuleList(Convolutions(a, b, time) for a, b in ((32, 8), (16, 8)))
        self.out = nn.Conv2d(8, 3, 1)
        self.register_buffer("steps", torch.linspace(0, 4, time // 2), persistent=False)

    def forward(self, x, step):
        angle = step[:, None] * torch.exp(-self.steps)
        t = self.time(torch.cat([angle.sin(), angle.cos()], -1))
        skips = []
        for part in self.down:
            x = part(x, t)
            skips.append(x)
            x = nn.functional.avg_pool2d(x, 2)
        x = self.middle(x, t)
        for part in self.up:
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = part(torch.cat([x, skips.pop()], 1), t)
        return self.out(x)


def unet():
    """The U-Net, its inputs, and its dynamic shapes."""
    torch.manual_seed(0)
    shapes = {"x": {0: "batch"}, "step": {0: "batch"}}
    return UNet().eval(), (torch.randn(2, 3, 16, 16), torch.ones(2)), {"dynamic_shapes": shapes}
