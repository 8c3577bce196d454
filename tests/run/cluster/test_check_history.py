#!/usr/bin/env python3
"""check_history.py finds each kind of violation in a made-up history, and none in a good one. TAP."""
import sys

from check_history import Judge, parse

NODES = 2
AFTER = 3  # wrong passwords lock


def row(kind, subject, value, start, end, result="ok", who="worker", call="C_Call"):
    rv = {"ok": "0x0", "refused": "0x31", "unknown": "0x30"}[result]
    return "\t".join([kind, who, call, str(start), str(end), result, rv, subject, value])


def state(subject, value, node=1, at=1000, result="ok"):
    return row("read", subject, value, at, at + 1, result, f"node{node}", "state")


def shown(*nodes):
    """Each node shows all it has, from 990 to 1100."""
    return [row("all", kind + ":p", "", 990, 1100, "ok", f"node{n}", "state") for n in nodes for kind in ("key", "user")]


def both(subject, value):
    return [state(subject, value, 1), state(subject, value, 2)]


MADE = [row("write", "key:a", "1", 10, 20)]
GONE = MADE + [row("write", "key:a", "0", 40, 50)]
WRONG = [row("guess", "user:u", "wrong", t, t + 5) for t in (10, 20, 30)]
ALL = shown(1, 2)

# name, lines, what the judge must say (nothing: the history is good), whether calls may fail
CASES = [
    ("a key that was made is on every node", MADE + both("key:a", "1") + ALL, None),
    ("and read meanwhile", MADE + [row("read", "key:a", "1", 21, 22)] + both("key:a", "1") + ALL, None),
    ("a read beside the making may see it or not", MADE + [row("read", "key:a", "0", 12, 15),
     row("read", "key:a", "1", 12, 15)] + both("key:a", "1") + ALL, None),
    ("a key that was deleted is nowhere", GONE + [row("read", "key:a", "0", 51, 52)] + ALL, None),
    ("a lost key", MADE + [state("key:a", "1", 1)] + ALL, "lost: key:a = 0 by node2"),
    ("a doubled key in a search", MADE + [row("read", "key:a", "2", 30, 31)] + both("key:a", "1") + ALL, "doubled: key:a"),
    ("a doubled key on a node", MADE + both("key:a", "1") + [state("key:a", "1", 2)] + ALL, "doubled: key:a = 2 by node2"),
    ("a stale read after a key was made", MADE + [row("read", "key:a", "0", 21, 22)] + both("key:a", "1") + ALL,
     "stale: key:a = 0"),
    ("a stale read after it was deleted", GONE + [row("read", "key:a", "1", 51, 52)] + ALL, "risen: key:a = 1"),
    ("a key that came back on one node", GONE + [state("key:a", "1", 2)] + ALL, "risen: key:a = 1 by node2"),
    ("a key whose making was refused is there", [row("write", "key:a", "1", 10, 20, "refused")] + both("key:a", "1") +
     ALL, "refused, but there: key:a", True),
    ("a key of unknown outcome may be there", [row("write", "key:a", "1", 10, 20, "unknown")] + both("key:a", "1") +
     ALL, None, True),
    ("or not", [row("write", "key:a", "1", 10, 20, "unknown")] + ALL, None, True),
    ("a call failed although it must not", [row("use", "sign", "bad", 1, 2, "unknown")] + ALL, "a call failed: sign"),
    ("a call was refused although it must not be", MADE + [row("write", "key:b", "1", 10, 20, "refused")] +
     both("key:a", "1") + ALL, "a call failed: key:b"),
    ("a wrong signature", [row("use", "sign", "bad", 1, 2)] + ALL, "a wrong result: sign"),
    ("a node that shows nothing", MADE + [state("key:a", "1", 1)] + shown(1), "not seen: node2"),
    ("another handle on one node", [row("write", "handle:a", "7", 1, 2), state("handle:a", "7", 1),
     state("handle:a", "8", 2)] + ALL, "not on the node: handle:a = 8 by node2"),
    ("another owner on one node", [row("write", "owner:a", "7", 1, 2), state("owner:a", "8", 2)] + ALL,
     "not on the node: owner:a = 8"),
    ("a share that one node does not know", [row("write", "share:a", "1", 1, 2), state("share:a", "0", 2)] + ALL,
     "not on the node: share:a = 0"),
    ("a share that was taken back and is still seen", [row("write", "share:a", "1", 1, 2),
     row("write", "share:a", "0", 3, 4), row("read", "share:a", "1", 5, 6)] + ALL, "stale: share:a = 1"),
    ("a share of what was never shared", [row("read", "share:a", "1", 5, 6)] + ALL, "stale: share:a = 1"),
    ("the old password is still taken", [row("write", "password:u", "p0", 1, 2), row("write", "password:u", "p1", 3, 4),
     row("read", "password:u", "p0", 5, 6)] + ALL, "stale: password:u = p0"),
    ("the new password is refused", [row("write", "password:u", "p0", 1, 2), row("write", "password:u", "p1", 3, 4),
     state("password:u", "!p1", 2)] + ALL, "not on the node: password:u = !p1"),
    ("the old one refused and the new one taken", [row("write", "password:u", "p0", 1, 2),
     row("write", "password:u", "p1", 3, 4), state("password:u", "!p0", 2), state("password:u", "p1", 2)] + ALL, None),
    ("a user that one node does not know", [row("write", "user:u", "1", 1, 2), state("user:u", "1", 1)] + ALL,
     "not on the node: user:u = 0"),
    ("three wrong passwords and a locked account", WRONG + [row("guess", "user:u", "locked", 40, 45)] +
     both("failures:u", "3") + both("locked:u", "1") + ALL, None),
    ("a fourth password that was looked at", WRONG + [row("guess", "user:u", "wrong", 40, 45)] + ALL,
     "past the limit: user:u"),
    ("the right password after three wrong ones", WRONG + [row("guess", "user:u", "in", 40, 45)] + ALL,
     "past the limit: user:u = in"),
    ("after the officer unlocked it is taken", WRONG + [row("write", "unlock:u", "0", 50, 60),
     row("guess", "user:u", "in", 61, 65)] + ALL, None),
    ("an account that stays locked after that", WRONG + [row("write", "unlock:u", "0", 50, 60),
     row("guess", "user:u", "locked", 61, 65)] + ALL, "still locked: user:u"),
    ("a login of a user who was deleted", WRONG + [row("write", "unlock:u", "0", 50, 60),
     row("write", "user:u", "0", 70, 80), row("guess", "user:u", "in", 81, 85)] + ALL, "a login of nobody: user:u"),
    ("a counter that forgot", WRONG + both("failures:u", "1") + ALL, "a wrong counter: failures:u = 1"),
    ("counters that differ", [row("guess", "user:u", "wrong", 1, 2), state("failures:u", "1", 1),
     state("failures:u", "2", 2)] + ALL, "nodes differ: failures:u = 2"),
    ("a node that does not lock", WRONG + [state("locked:u", "0", 2)] + ALL, "not locked: locked:u"),
]


def main():
    bad = 0
    for number, (name, rows, wanted, *may_fail) in enumerate(CASES, 1):
        said = Judge(parse("\n".join(rows)), NODES, AFTER, bool(may_fail)).run()
        good = not said if wanted is None else any(line.startswith(wanted) for line in said)
        bad += not good
        print(f"{'' if good else 'not '}ok {number} - {name}")
        if not good:
            print(f"# wanted {wanted!r}, said {said}")
    print(f"1..{len(CASES)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
