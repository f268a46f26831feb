"""Activation functions."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F


def _clamped_relu(x: Tensor, alpha: float, beta: float) -> Tensor:
    return F.leaky_relu(x, alpha).clamp(max=beta)


def _elu(x: Tensor, alpha: float) -> Tensor:
    return F.elu(x, alpha)


def _gelu(x: Tensor, mode: str = "EXACT") -> Tensor:
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate="tanh" if mode == "TANH_APPROXIMATION" else "none")


def _leaky_relu(x: Tensor, alpha: float) -> Tensor:
    return F.leaky_relu(x, alpha)


def _linear_activation(x: Tensor, alpha: float, beta: float) -> Tensor:
    return alpha * x + beta


def _prelu(x: Tensor, alpha: Tensor) -> Tensor:
    return F.prelu(x, alpha)


def _relu(x: Tensor) -> Tensor:
    return F.relu(x)


def _relu6(x: Tensor) -> Tensor:
    return F.relu6(x)


def _scaled_tanh(x: Tensor, alpha: float, beta: float) -> Tensor:
    return alpha * torch.tanh(beta * x)


def _sigmoid(x: Tensor) -> Tensor:
    return torch.sigmoid(x)


def _sigmoid_hard(x: Tensor, alpha: float, beta: float) -> Tensor:
    return (alpha * x + beta).clamp(0, 1)


def _silu(x: Tensor) -> Tensor:
    return F.silu(x)


def _softmax(x: Tensor, axis: int = -1) -> Tensor:
    return torch.softmax(x, axis)


def _softplus(x: Tensor) -> Tensor:
    return torch.logaddexp(x, torch.zeros(()))


def _softplus_parametric(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Alpha and beta [C] belong to axis 1."""
    channels = (-1, *[1] * (x.ndim - 2))
    return alpha.reshape(channels) * _softplus(beta.reshape(channels) * x)


def _softsign(x: Tensor) -> Tensor:
    return F.softsign(x)


def _thresholded_relu(x: Tensor, alpha: float) -> Tensor:
    return torch.where(x >= alpha, x, torch.zeros(()))


ACTIVATION: Final[Mapping[str, Callable[..., Any]]] = {
    "clamped_relu": _clamped_relu,
    "elu": _elu,
    "gelu": _gelu,
    "leaky_relu": _leaky_relu,
    "linear_activation": _linear_activation,
    "prelu": _prelu,
    "relu": _relu,
    "relu6": _relu6,
    "scaled_tanh": _scaled_tanh,
    "sigmoid": _sigmoid,
    "sigmoid_hard": _sigmoid_hard,
    "silu": _silu,
    "softmax": _softmax,
    "softplus": _softplus,
    "softplus_parametric": _softplus_parametric,
    "softsign": _softsign,
    "thresholded_relu": _thresholded_relu,
}
