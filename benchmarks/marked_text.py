"""Text between two markers of a document, which commands write and nobody else."""

from rmpsam_mobile.errors import InputError


def replace_marked(document: str, marker: str, text: str) -> str:
    """``document`` with ``text`` between its markers ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``.

    Raises:
        InputError: a marker is missing.
    """
    before, after = _split(document, marker)
    return f"{before}{_begin(marker)}\n\n{text}\n\n{_end(marker)}{after}"


def marked(document: str, marker: str) -> str:
    """What stands between the markers.

    Raises:
        InputError: a marker is missing.
    """
    before, after = _split(document, marker)
    return document[len(before) + len(_begin(marker)) : len(document) - len(after) - len(_end(marker))].strip()


def _split(document: str, marker: str) -> tuple[str, str]:
    if document.count(_begin(marker)) != 1 or document.count(_end(marker)) != 1:
        raise InputError(f"the document has no pair of markers {_begin(marker)!r}; put one where the text belongs")
    return document.partition(_begin(marker))[0], document.partition(_end(marker))[2]


def _begin(marker: str) -> str:
    return f"<!-- {marker}: begin -->"


def _end(marker: str) -> str:
    return f"<!-- {marker}: end -->"
