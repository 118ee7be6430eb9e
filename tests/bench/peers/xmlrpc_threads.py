"""The standard library's XML-RPC server with a thread a connection, which stores nothing: `xmlrpc_threads.py PORT`.

It speaks HTTP/1.0 by itself, which is a connection for each request; HTTP/1.1 keeps them open, as the others do.
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
