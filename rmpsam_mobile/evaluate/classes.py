"""What naming and following ask of a model."""

from rmpsam_mobile.contracts import Graph, ModelContract
from rmpsam_mobile.errors import UnsupportedError


def require_classes(contract: ModelContract, graphs: tuple[Graph, ...]) -> None:
    """Refuse a model that cannot name anything, before any picture is read.

    Raises:
        UnsupportedError: no object graph or no class embeddings.
    """
    if Graph.OBJECTS not in graphs or not contract.class_names:
        raise UnsupportedError(
            f"{contract.preset} has no class embeddings here, so it names and follows nothing; give a checkpoint with "
            "--classifier FILE, or measure --protocol box"
        )
