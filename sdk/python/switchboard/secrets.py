"""Secret settings by name."""

from __future__ import annotations

from .imports import asking, imported

_HIDDEN = "•••"


class Secret:
    """A secret. Nothing prints it, and it has no JSON: its text is had by `expose`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def expose(self) -> str:
        """The text, for where it is needed and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return _HIDDEN


class Secrets:
    """Secret settings by name."""

    def get(self, name: str) -> Secret | None:
        """The secret of that name, such as `api_key` or `mail.password`, for the organization of the call; `None` when it is not
        set. `forbidden` when the manifest does not name it where it asks for `secrets`."""
        with asking():
            text = imported("secrets").get(name)
        return None if text is None else Secret(text)
