"""A plugin that answers what it is asked: what is measured with it is the way there and back."""

from switchboard import Context, Plugin

plugin = Plugin()


@plugin.service("echo.say")
def say(ctx: Context, said: str) -> str:
    return said
