"""Vocabulary files: plain text, one class name a line."""

from pathlib import Path
from typing import Final

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.vocabulary import Vocabulary

SEPARATOR: Final = "---"  # the line between things and stuff


def read_vocabulary(path: str | Path) -> Vocabulary:
    """Read a text file with one class name a line; empty lines do not count.

    A line ``---`` separates things (above) from stuff (below); without it all names are things.

    Raises:
        InputError: no such file, not UTF-8 text, more than one ``---``, or names that `Vocabulary` refuses.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a text file with one name a line") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; save it as plain text with one name a line") from None
    names = [line.strip() for line in text.splitlines() if line.strip()]
    marks = names.count(SEPARATOR)
    if marks > 1:
        raise InputError(
            f"{path}: {marks} lines {SEPARATOR}; the limit is 1, between things and stuff; remove the others"
        )
    num_things = names.index(SEPARATOR) if marks else len(names)
    try:
        return Vocabulary(tuple(name for name in names if name != SEPARATOR), num_things)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
