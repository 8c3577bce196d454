"""Asks for far more than a connection buffers before it reads the first answer; every answer must come. Then sends
more bytes than may be under way at once: what is done makes room again.

Usage: pipeline.py unix SOCKET USER:PASSWORD | pipeline.py tls PORT USER:PASSWORD CERTIFICATE KEY
"""
import os, socket, ssl, struct, sys

REQUESTS, LENGTH = 400, 60000
OBJECTS, SIZE, AHEAD = 200, 60000, 40


def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def field_bytes(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def frame(ident, ticket, context, body_field, body):
    message = varint(1 << 3 | 1) + struct.pack('<Q', ident)
    if ticket:
        message += field_bytes(2, ticket)
    message += field_bytes(5, os.urandom(16)) + field_bytes(6, context) + field_bytes(body_field, body)
    return struct.pack('>I', len(message)) + message


def exactly(s, n):
    data = b''
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            sys.exit(f'the connection ended after {len(data)} of {n} bytes')
        data += part
    return data


def fields(message):
    at, found = 0, {}

    def read_varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = message[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(message):
        key = read_varint()
        if key & 7 == 0:
            value = read_varint()
        else:
            size = 8 if key & 7 == 1 else read_varint()
            value = message[at:at + size]
            at += size
        found[key >> 3] = value
    return found


def answer(s):
    return fields(exactly(s, struct.unpack('>I', exactly(s, 4))[0]))


def connect(kind, where):
    if kind == 'unix':
        s = socket.socket(socket.AF_UNIX)
        s.connect(where)
        return s
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # who the node is, others test
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    return context.wrap_socket(socket.create_connection(('127.0.0.1', int(where))))


s = connect(sys.argv[1], sys.argv[2])
s.settimeout(30)
user, password = sys.argv[3].split(':')
context = os.urandom(16)
s.sendall(frame(1, b'', context, 20, number(1, 1) + field_bytes(2, user.encode()) + field_bytes(3, password.encode())))
login = answer(s)
if 20 not in login:
    sys.exit(f'no login: {login}')
ticket = fields(login[20])[1]
s.sendall(b''.join(frame(ident, ticket, context, 60, number(1, LENGTH)) for ident in range(2, REQUESTS + 2)))
left = set(range(2, REQUESTS + 2))
while left:
    got = answer(s)
    ident = struct.unpack('<Q', got[1])[0]
    if 50 not in got or len(fields(got[50])[1]) != LENGTH:
        sys.exit(f'request {ident}: {got.get(4, got)}')
    left.remove(ident)
print(f'{REQUESTS} answers of {LENGTH} bytes')


def attribute(kind, value):
    return field_bytes(1, number(1, kind) + field_bytes(2, value))


data = attribute(0, bytes(8)) + attribute(1, b'\0') + attribute(0x11, os.urandom(SIZE))
for ident in range(1, OBJECTS + 1):
    s.sendall(frame(ident, ticket, context, 32, data))
    if ident > AHEAD and 2 in (got := answer(s)):
        sys.exit(f'object {ident}: {got}')
for ident in range(AHEAD):
    if 2 in (got := answer(s)):
        sys.exit(f'one of the last objects: {got}')
print(f'{OBJECTS} objects of {SIZE} bytes')
