#!/usr/bin/env python3
"""What takes events in the tests: an HTTPS endpoint that wants a client certificate, or a datagram socket.

events.py https PORT FOLDER CA CERT KEY  each body that is answered with 200 goes to FOLDER/received as a line;
                                         while FOLDER/refuse is there, the answer is 503 and nothing is kept;
                                         while FOLDER/late is there, a body is kept and the connection closed.
events.py datagram PATH FILE             each datagram goes to FILE, its newlines as \\n.
"""
import http.server
import os
import socket
import ssl
import sys


def https(port, folder, ca, cert, key):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if os.path.exists(folder + "/refuse"):
                self.answer(503)
                return
            with open(folder + "/received", "ab") as out:
                out.write(body + b"\n")
            with open(folder + "/headers", "a") as out:
                out.write(str(self.headers))
            if os.path.exists(folder + "/late"):
                self.close_connection = True
                self.connection.close()
                return
            self.answer(200)

        def answer(self, status):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def datagram(path, file):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    with open(file, "ab", buffering=0) as out:
        while True:
            out.write(s.recv(1 << 20).replace(b"\n", b"\\n") + b"\n")


if sys.argv[1] == "https":
    https(int(sys.argv[2]), *sys.argv[3:])
else:
    datagram(*sys.argv[2:])
