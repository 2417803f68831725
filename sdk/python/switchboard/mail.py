"""Messages to people."""

from __future__ import annotations

from .imports import asking, imported


class Mail:
    """Messages to people. Who they are from is the operator's to say."""

    def send(self, to: str | list[str], subject: str, text: str, html: str | None = None) -> None:
        """Sends a message to 1 to 50 addresses. When this returns, the mail server has taken it for every recipient."""
        mail = imported("mail")
        with asking():
            mail.send(mail.Message([to] if isinstance(to, str) else list(to), subject, text, html))
