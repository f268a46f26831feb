"""``--only``, ``--skip`` and ``--no-rewrites``: which rewrites are applied, with contradictions refused."""

from collections.abc import Sequence
from pathlib import Path

from rmpsam_mobile.contracts import Target
from rmpsam_mobile.errors import InputError


def chosen_rewrites(
    source: str | Path,
    target: Target,
    *,
    only: Sequence[str],
    skip: Sequence[str],
    no_rewrites: bool = False,
) -> Sequence[str] | None:
    """What ``plan_export`` takes as ``rewrites``: the names of ``only``, none with ``no_rewrites``, else None for all.

    Raises:
        InputError: an unknown name, a contradiction, a rewrite that is not for this engine, or a quantized source.
    """
    from rmpsam_mobile.export.quantized import is_quantized
    from rmpsam_mobile.export.rewrites import rewrite_names

    fitting = rewrite_names(target)
    rewrite_names(target, only=only, skip=skip)  # refuses unknown names
    given = [name for name, value in (("--only", only), ("--skip", skip), ("--no-rewrites", no_rewrites)) if value]
    if given and is_quantized(Path(source)):
        raise InputError(f"{source} is quantized, and its ranges belong to all rewrites; leave {given[0]} away")
    if no_rewrites and len(given) > 1:
        raise InputError(f"{given[0]} and --no-rewrites contradict one another; leave one of the two away")
    for name in only:
        if name in skip:
            raise InputError(f"--only {name} and --skip {name} contradict one another; leave one of the two away")
        if name not in fitting:
            raise InputError(f"--only {name}: this rewrite is not for {target}; there are: {', '.join(fitting)}")
    return () if no_rewrites else (tuple(only) or None)
