"""Holds connections to a node and to a daemon that never log in, and opens those anew that are closed.

Usage: flood.py PORT SOCKET FILE: FILE is written when all stand; ends with a signal.
"""
import resource, select, socket, sys

NODE, DAEMON = 1500, 500
HELLO_BEGUN = b'\x16\x03\x01\x02\x00'  # the first bytes of a TLS handshake that does not go on


def to_node(i):
    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    if i % 2:
        s.sendall(HELLO_BEGUN)
    return s


def to_daemon(_):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[2])
    return s


resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
poll = select.epoll()
held = {}
for i in range(NODE + DAEMON):
    how = to_node if i < NODE else to_daemon
    s = how(i)
    held[s.fileno()] = s, how, i
    poll.register(s, select.EPOLLIN)
with open(sys.argv[3], 'w') as f:
    f.write('x')
while True:
    for fd, _ in poll.poll():
        s, how, i = held.pop(fd)
        poll.unregister(fd)
        s.close()
        s = how(i)
        held[s.fileno()] = s, how, i
        poll.register(s, select.EPOLLIN)
