"""The licence chain: whose terms hold for what an export writes: code, weights, teacher and data."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rmpsam_mobile.checkpoint import Checkpoint
from rmpsam_mobile.errors import InputError

CODE: Final = "Apache-2.0"
LINKS: Final = ("code", "weights", "teacher", "data")

_NONE: Final = "none took part"
_UNKNOWN: Final = "unknown: the checkpoint's card does not say"
_SHIPPED: Final = "rmpsam-mobile-tiny"
# What a checkpoint's card has no room for, by preset or by kind of the card.
_TEACHERS: Final[Mapping[str, str]] = {
    _SHIPPED: "EfficientNet-Lite0, from whose weights the encoder's trunk starts: Apache-2.0",
    "seeded": _NONE,
}
_DATA: Final[Mapping[str, str]] = {
    _SHIPPED: (
        "COCO annotations CC BY 4.0, pictures under Flickr terms; BSDS500, LabelMeFacade non-commercial research; "
        "CamVid CC BY-NC 4.0; Clothing Co-Parsing, DAVIS 2016, Caltech 101, SYSU-Shapes, Oxford-IIIT Pet research; "
        "feral cats MIT; facades CC BY 4.0"
    ),
    "seeded": _NONE,
    "official": "COCO and others, by the authors of RMP-SAM; their terms are not recorded here",
}
_RESTRICTED: Final = re.compile(r"non-?commercial|\bNC\b|\bresearch\b", re.IGNORECASE)


def licence_chain(checkpoint: Checkpoint) -> dict[str, str]:
    """Licence by link, and under ``source`` the file that the weights came from; what nobody recorded says so."""
    card = checkpoint.card
    is_shipped = checkpoint.preset == _SHIPPED and card.kind == "distilled" and _SHIPPED in card.licence
    key = _SHIPPED if is_shipped else card.kind
    return {
        "code": CODE,
        "weights": card.licence,
        "teacher": _TEACHERS.get(key, _UNKNOWN),
        "data": _DATA.get(key, _UNKNOWN),
        "source": card.source_name,
    }


def restricted_links(chain: Mapping[str, str]) -> tuple[str, ...]:
    """Links whose terms exclude commercial use."""
    return tuple(link for link in LINKS if _RESTRICTED.search(chain.get(link, "")))


def export_command(source: Path, checkpoint: Checkpoint, output: str) -> str:
    """The command line that exports it, with the option that its terms need."""
    accept = "--accept-licence " if restricted_links(licence_chain(checkpoint)) else ""
    return f"rmpsam-mobile export {source} {accept}-o {output}"


def require_accepted(chain: Mapping[str, str], *, accepted: bool) -> None:
    """Let nobody hand on by accident what may not be sold.

    Raises:
        InputError: a link is restricted and nobody said that this is known.
    """
    restricted = restricted_links(chain)
    if restricted and not accepted:
        terms = "; ".join(f"{link}: {chain[link]}" for link in restricted)
        raise InputError(f"not for commercial use ({terms:.300}); if that is what you want, add --accept-licence")
