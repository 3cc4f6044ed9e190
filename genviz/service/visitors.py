"""Who may talk to the routes: pages of this very server, under a name that is known to be this machine's.

A page of another site must not steer runs; nor one whose name was made to point here after it was loaded (DNS rebinding).
"""

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose


def hostname(host: str) -> str:
    """'[::1]:8501' -> '::1'; "" if that is no name of a host."""
    try:
        return urlsplit(f"//{host.strip()}").hostname or ""
    except ValueError:
        return ""


def ours() -> set[str]:
    """The names to which this server answers: the loopback's, and those in GENVIZ_HOSTS."""
    return {"localhost", "127.0.0.1", "::1", *map(hostname, os.environ.get("GENVIZ_HOSTS", "").split(","))} - {""}


def welcome(headers: Headers) -> bool:
    """Whether the name asked for is ours, and the page that asks came from there. Only browsers say which page asks."""
    host = headers.get("host", "")
    site = headers.get("origin", host).rpartition("//")[2]
    return hostname(host) in ours() and site == host


class Known:
    """Lets only these through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if welcome(headers := Headers(scope=scope)):
            answer = self.app
        elif scope["type"] == "websocket":
            answer = WebSocketClose(1008, "another site")
        else:
            name = hostname(headers.get("host", ""))
            error = f"genviz does not answer to the name {name!r}: if that is this machine, start it with"
            answer = JSONResponse({"error": f"{error} GENVIZ_HOSTS={name or '…'}"}, 403)
        await answer(scope, receive, send)


KNOWN = [Middleware(Known)]
