#!/usr/bin/env python3
"""Runs chsm-util over a relay to the daemon, and kills it with SIGKILL at its N-th request.

Usage: kill_request.py N before|after COMMAND [ARGUMENT]...; before: the request does not reach the daemon; after: it does,
and the answer to it is lost. `$CHSM_SOCKET` is the daemon's. Exits with 0 when it was killed, 1 when the command ended
by itself before its N-th request (or the command's code, when it failed)."""
import os
import select
import signal
import socket
import subprocess
import sys

number, when, argv = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
path = "relay-%d.socket" % os.getpid()
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(1)
tool = subprocess.Popen(argv, env=dict(os.environ, CHSM_SOCKET=path), stdin=subprocess.DEVNULL)
client, _ = listener.accept()
daemon = socket.socket(socket.AF_UNIX)
daemon.connect(os.environ["CHSM_SOCKET"])
seen = 0
killed = False
while not killed:
    ready, _, _ = select.select([client, daemon], [], [])
    if client in ready:
        data = client.recv(1 << 20)
        if not data:
            break
        seen += 1  # the tool waits for each answer, so this is one request
        killed = seen == number
        if not killed or when == "after":
            daemon.sendall(data)
    if killed:
        if when == "after":
            daemon.recv(1 << 20)  # it is done, and nobody is told
        tool.send_signal(signal.SIGKILL)
    elif daemon in ready:
        data = daemon.recv(1 << 20)
        if not data:
            break
        client.sendall(data)
client.close()
daemon.close()
os.unlink(path)
code = tool.wait()
sys.exit(0 if killed else code or 1)
