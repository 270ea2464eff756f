"""Real models of torchvision, timm and transformers, with random weights, for the benchmarks.

They are small where the library lets them be: what is measured is the kind of graph, not its size.
The libraries are not among the package's dependencies: `pip install torchvision timm transformers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

Made = tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]

TORCHVISION = ("resnet18", "mobilenet_v3_small", "efficientnet_b0", "squeezenet1_0", "shufflenet_v2_x0_5",
               "densenet121", "googlenet", "regnet_y_400mf", "mnasnet0_5", "convnext_tiny", "swin_t", "vit_b_32")  # fmt: skip
TIMM = ("resnet10t", "mixer_s32_224", "levit_128s", "mobilevitv2_050", "poolformer_s12", "convmixer_768_32", "lcnet_050")  # fmt: skip


def _image(size: int = 64) -> tuple[Any, ...]:
    return (torch.randn(1, 3, size, size),)


def _torchvision(name: str) -> Callable[[], Made]:
    def make() -> Made:
        import torchvision

        size = 224 if name.startswith(("vit", "swin")) else 96
        options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        return getattr(torchvision.models, name)(weights=None, **options).eval(), _image(size), {}

    return make


def _timm(name: str) -> Callable[[], Made]:
    def make() -> Made:
        import timm

        model = timm.create_model(name, pretrained=False).eval()
        size = model.pretrained_cfg.get("input_size", (3, 224, 224))[-1]
        return model, _image(size), {}

    return make


def _transformers(name: str) -> Callable[[], Made]:
    def make() -> Made:
        import transformers as library

        small: dict[str, Any] = {
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
            "vocab_size": 100, "max_position_embeddings": 64,
        }  # fmt: skip
        if name == "GPT2":
            small = {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 100, "n_positions": 64}
        if name in {"Llama", "Qwen2", "Mistral"}:
            small["num_key_value_heads"] = 2
        if name == "DistilBert":
            small = {
                "dim": 32,
                "n_layers": 2,
                "n_heads": 4,
                "hidden_dim": 64,
                "vocab_size": 100,
                "max_position_embeddings": 64,
            }
        if name == "ViT":
            small |= {"image_size": 32, "patch_size": 8}
        if name in {"Electra", "Albert"}:
            small["embedding_size"] = 32
        config = getattr(library, f"{name}Config")(
            **small, return_dict=False, attn_implementation="eager"
        )
        if name in {"GPT2", "Llama", "Qwen2", "Mistral"}:
            config.use_cache = False
        model = getattr(library, f"{name}Model")(config).eval()
        if name == "ViT":
            return model, _image(32), {}
        ids = torch.randint(1, 100, (2, 8))
        return model, (ids,), {}

    return make


TRANSFORMERS = ("Bert", "GPT2", "Llama", "Qwen2", "Mistral", "DistilBert", "ViT", "Electra", "Albert", "Roberta")  # fmt: skip

MODELS: dict[str, Callable[[], Made]] = {
    **{f"torchvision {name}": _torchvision(name) for name in TORCHVISION},
    **{f"timm {name}": _timm(name) for name in TIMM},
    **{f"transformers {name}": _transformers(name) for name in TRANSFORMERS},
}
"""By name, a function that makes the model, its positional and its keyword arguments."""

EXPORTERS: dict[str, dict[str, Any]] = {
    "torchscript": {"dynamo": False},
    "dynamo": {"dynamo": True, "verbose": False},
}
