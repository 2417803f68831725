"""{{name}}."""

from dataclasses import dataclass

from switchboard import Context, Plugin

plugin = Plugin()


@dataclass
class Settings:
    greeting: str


@dataclass
class Greeting:
    text: str


@plugin.get("/hello/{name}")
def hello(ctx: Context, name: str) -> Greeting:
    settings = ctx.config(Settings)
    ctx.log.info(f"greeting {name}")
    return Greeting(f"{settings.greeting}, {name}!")
