"""Who is let in by the server as it is started."""

import http.client

import pytest
from driver import Server

pytestmark = pytest.mark.xdist_group("browser")


def handshake(server: Server, host: str) -> int:
    """The answer to a WebSocket handshake with streamlit's own socket, as a page of that host would make it."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    link.putrequest("GET", "/_stcore/stream", skip_host=True)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "streamlit"}
    for name, value in {"Host": host, "Origin": f"http://{host}", **upgrade, **key}.items():
        link.putheader(name, value)
    link.endheaders()
    try:
        return link.getresponse().status
    finally:
        link.close()


def test_a_name_made_to_point_here_does_not_steer_the_pages(server: Server) -> None:
    assert handshake(server, f"evil.example:{server.port}") == 403
    assert handshake(server, f"localhost:{server.port}") == 101
