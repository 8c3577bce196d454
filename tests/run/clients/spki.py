# Reads what pkcs11-tool shows of a new EC pair and writes the public key as DER SubjectPublicKeyInfo.
import re
import sys


def der(tag, content):
    n = len(content)
    length = bytes([n]) if n < 128 else bytes([0x81, n])
    return bytes([tag]) + length + content


text = open(sys.argv[1]).read()
params = bytes.fromhex(re.search(r'EC_PARAMS: *([0-9a-f]+)', text).group(1))
octets = bytes.fromhex(re.search(r'EC_POINT: *([0-9a-f]+)', text).group(1))
point = octets[3:] if octets[1] == 0x81 else octets[2:]
ec_public_key = bytes.fromhex('06072a8648ce3d0201')
edwards = params.startswith(bytes.fromhex('06032b65'))
algorithm = der(0x30, params if edwards else ec_public_key + params)
sys.stdout.buffer.write(der(0x30, algorithm + der(0x03, b'\0' + point)))
