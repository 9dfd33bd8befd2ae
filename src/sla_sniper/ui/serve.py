"""sniper serve: the command center as a server on this machine."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sla_sniper.config.workspace import open_workspace
from sla_sniper.core.errors import SlaSniperError
from sla_sniper.panels.theme import STREAMLIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORKSPACE_VARIABLE: Final = "SNIPER_WORKSPACE"
"""Environment variable that tells the page which workspace it shows."""

_LAST_PORT: Final = 65_535


class NoSuchAddressError(SlaSniperError):
    """An address on which this machine cannot serve: in use, or not its own."""

    exit_code = 50

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host, self.port, self.reason = host, port, reason

    def __str__(self) -> str:
        return (
            f"Nothing can be served on {self.host}:{self.port}: {self.reason}; "
            "name another with --port or --host."
        )


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8501,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the command center of a workspace; this process becomes the server.

    Parameters
    ----------
    folder : Path
        The workspace.
    host : str
        Address to listen on; anything but loopback lets others in, and there is no sign-in.
    port : int
        Port, 1 to 65535.
    ready : callable
        Called when nothing stands in the way any more; the server starts right after.

    Raises
    ------
    NotAWorkspaceError, ConfigurationError
        If the folder is no workspace, or its settings are impossible.
    NoSuchAddressError
        If the port is in use or the address is not this machine's.
    """
    open_workspace(folder)
    _require_free(host, port)
    ready()
    environment = {**os.environ, WORKSPACE_VARIABLE: str(folder.resolve())}
    os.execve(sys.executable, command(host, port), environment)  # noqa: S606


def command(host: str, port: int) -> list[str]:
    """Return the command line of the server."""
    options: Mapping[str, str] = {**STREAMLIT, "server.address": host, "server.port": str(port)}
    page = str(Path(__file__).with_name("page.py"))
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", page, *flags]


def _require_free(host: str, port: int) -> None:
    """Bind as the server will, and let go again."""
    if not 0 < port <= _LAST_PORT:  # the resolver would quietly wrap it around
        raise NoSuchAddressError(host, port, f"a port is 1 to {_LAST_PORT}")
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise NoSuchAddressError(host, port, reason[0].lower() + reason[1:]) from error
