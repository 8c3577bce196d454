"""NIST triple DES key wrap (SP 800-38F, 6.1 and TKW-AE of 7.1) over openssl's triple DES. Usage: tkw.py KEY_HEX <KEY >WRAPPED"""
import subprocess
import sys


def encrypt(block):
    return subprocess.run(["openssl", "enc", "-des-ede3", "-nopad", "-K", sys.argv[1]], input=block, check=True,
                          stdout=subprocess.PIPE).stdout


plain = sys.stdin.buffer.read()
a, rest = b"\xa6" * 4, [plain[i:i + 4] for i in range(0, len(plain), 4)]
for t in range(1, 6 * len(rest) + 1):
    block = encrypt(a + rest[0])
    a = (int.from_bytes(block[:4], "big") ^ t).to_bytes(4, "big")
    rest = rest[1:] + [block[4:]]
sys.stdout.buffer.write(a + b"".join(rest))
