import torch
from torch import nn

ANSWER = "2.up"


def fast_gelu(g, x, approximate="none"):
    return g.op("Mul", x, g.op("Sigmoid", x))


torch.onnx.register_custom_op_symbolic("aten::gelu", fast_gelu, 17)


class Layer(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.up = nn.Linear(4, 4)
        self.act = act

    def forward(self, x):
        return self.act(self.up(x)) + x


torch.manual_seed(0)
model = nn.Sequential(
    Layer(nn.Tanh()), Layer(nn.ReLU()), Layer(nn.GELU()), Layer(nn.ReLU())
).eval()
args = (torch.randn(2, 4),)
torch.onnx.export(model, args, "model.onnx", dynamo=False, opset_version=17)
