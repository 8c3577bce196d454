#!/usr/bin/env python3
"""C_Finalize while a program of the host is asked: the program is killed and reaped, and the call that waits for it ends.

helper_ends.py MODULE FIFO PIN [LABEL]: logs in with PIN; with LABEL, then signs with the private key of that label. The
program writes its number into FIFO once it runs, and never answers.
"""
import ctypes
import os
import sys
import threading

CKU_USER, CKF_SERIAL, CKF_RW = 1, 4, 2
CKA_CLASS, CKA_LABEL, CKO_PRIVATE_KEY, CKM_SHA256_RSA_PKCS = 0, 3, 3, 0x40
CKR_CRYPTOKI_NOT_INITIALIZED = 0x190
ULONG = ctypes.c_ulong


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", ctypes.c_void_p), ("size", ULONG)]


class Mechanism(ctypes.Structure):
    _fields_ = [("number", ULONG), ("parameter", ctypes.c_void_p), ("size", ULONG)]


def must(rv, what):
    if rv != 0:
        sys.exit("%s: 0x%x" % (what, rv))


def find(ck, session, label):
    number = ULONG(CKO_PRIVATE_KEY)
    name = ctypes.create_string_buffer(label.encode())
    wanted = (Attribute * 2)(
        Attribute(CKA_CLASS, ctypes.cast(ctypes.byref(number), ctypes.c_void_p), 8),
        Attribute(CKA_LABEL, ctypes.cast(name, ctypes.c_void_p), len(label)),
    )
    key, n = ULONG(), ULONG()
    must(ck.C_FindObjectsInit(session, wanted, ULONG(2)), "C_FindObjectsInit")
    must(ck.C_FindObjects(session, ctypes.byref(key), ULONG(1), ctypes.byref(n)), "C_FindObjects")
    must(ck.C_FindObjectsFinal(session), "C_FindObjectsFinal")
    if n.value != 1:
        sys.exit("no key " + label)
    return key


def sign(ck, session, key):
    out = ctypes.create_string_buffer(1024)
    n = ULONG(len(out))
    how = Mechanism(CKM_SHA256_RSA_PKCS, None, 0)
    rv = ck.C_SignInit(session, ctypes.byref(how), key)
    return rv or ck.C_Sign(session, b"text", ULONG(4), out, ctypes.byref(n))


def main(path, fifo, pin, label=None):
    ck = ctypes.CDLL(path)
    slot, n, session = ULONG(), ULONG(1), ULONG()
    must(ck.C_Initialize(None), "C_Initialize")
    must(ck.C_GetSlotList(1, ctypes.byref(slot), ctypes.byref(n)), "C_GetSlotList")
    must(ck.C_OpenSession(slot, ULONG(CKF_SERIAL | CKF_RW), None, None, ctypes.byref(session)), "C_OpenSession")
    said = []

    def login():
        return ck.C_Login(session, ULONG(CKU_USER), pin.encode(), ULONG(len(pin)))

    if label:
        must(login(), "C_Login")
        key = find(ck, session, label)
    waits = threading.Thread(target=lambda: said.append(sign(ck, session, key) if label else login()))
    waits.start()
    with open(fifo) as f:
        program = int(f.readline())
    os.kill(program, 0)
    must(ck.C_Finalize(None), "C_Finalize")
    waits.join()
    if said != [CKR_CRYPTOKI_NOT_INITIALIZED] and said[0] == 0:
        sys.exit("the call succeeded")
    if os.path.exists("/proc/%d" % program):
        sys.exit("the program is still there, or nobody took its end")
    print("the call said 0x%x" % said[0])


main(*sys.argv[1:])
