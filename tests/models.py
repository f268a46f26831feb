"""Models that tests share: the oracle's, the smallest one that has every part, and presets with living norms."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.model.config import ModelConfig, ResNetConfig
from rmpsam_mobile.model.presets import preset_config
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.conftest import GOLDEN
from tests.seeded_weights import read_spec, seeded_classifier, seeded_state_dict

R18 = "rmpsam-r18"
SMALL = ModelConfig(
    name="small",
    encoder=ResNetConfig(depths=(1, 1, 1, 1), bottleneck=False),
    aggregation_width=16,
    width=32,
    num_queries=6,
    num_stages=2,
    num_heads=4,
    ffn_width=48,
    text_width=24,
)


@cache
def oracle_model(classifier: str = "coco") -> RmpSam:
    """The R18 of the official numbers, in float64; ``classifier`` is ``coco`` or ``ytvis2019``. Not to be edited."""
    with torch.device("meta"):
        model = RmpSam(preset_config(R18))
    model.load_state_dict(seeded_state_dict(read_spec(GOLDEN / "rmpsam-r18.json")), assign=True)
    model.set_classifier(seeded_classifier(read_spec(GOLDEN / f"classifier-{classifier}.json")))
    return model.double().eval().requires_grad_(requires_grad=False)


@cache
def small_model(num_classes: int = 5) -> RmpSam:
    """A float64 model of a few channels; the same weights at each call. Not to be edited."""
    return _alive(SMALL, num_classes, seed=1)


def preset_model(preset: str, *, num_classes: int = 7) -> RmpSam:
    """A preset in float64 with seeded weights; a new one at each call."""
    return _alive(preset_config(preset), num_classes, seed=2)


def random_tensor(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normally distributed numbers, the same at each call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def relative_error(got: Tensor, wanted: Tensor) -> float:
    """Largest difference over the reference's largest magnitude; infinite where shapes differ."""
    if got.shape != wanted.shape:
        return float("inf")
    scale = float(wanted.abs().max())
    error = float((got.double() - wanted.double()).abs().max())
    return error / scale if scale else error


def enliven_norms(module: nn.Module, seed: int = 0) -> None:
    """Give every batch norm statistics and a scale of its own; fresh ones are the identity and hide mistakes."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(like: Tensor, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(like.shape, generator=generator, dtype=torch.float64)

    with torch.no_grad():
        for norm in module.modules():
            if isinstance(norm, nn.BatchNorm2d):
                assert norm.running_mean is not None
                assert norm.running_var is not None
                norm.running_mean.copy_(uniform(norm.running_mean, -0.3, 0.3))
                norm.running_var.copy_(uniform(norm.running_var, 0.5, 2.0))
                norm.weight.copy_(uniform(norm.weight, 0.7, 1.4))
                norm.bias.copy_(uniform(norm.bias, -0.3, 0.3))


def unit_rows(num_classes: int, synonyms: int, width: int, seed: int = 0) -> Tensor:
    """Class embeddings [K, P, D] of unit length."""
    return F.normalize(random_tensor(num_classes, synonyms, width, seed=seed), dim=-1)


def _alive(config: ModelConfig, num_classes: int, *, seed: int) -> RmpSam:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RmpSam(config).double()
    enliven_norms(model, seed)
    model.set_classifier(unit_rows(num_classes, 2, config.text_width, seed))
    return model.eval().requires_grad_(requires_grad=False)
