"""The standard library's XML-RPC server with a thread for each connection; it stores nothing: `xmlrpc_threads.py PORT`.

Its default is HTTP/1.0, with a connection for each request; HTTP/1.1 keeps connections open, as the other servers do.
"""

import sys
from socketserver import ThreadingMixIn
from typing import Any
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer


class _Handler(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rpc_paths = ("/voicenter",)


class _Server(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True
    request_queue_size = 128


def receive(fields: Any) -> dict[str, int | str]:
    """Acknowledge a call record."""
    return {"err": 0, "errdesc": "OK"}


if __name__ == "__main__":
    with _Server(("127.0.0.1", int(sys.argv[1])), _Handler, logRequests=False) as server:
        server.register_function(receive, "CDR")
        server.serve_forever()
