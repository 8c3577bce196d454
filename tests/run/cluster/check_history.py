#!/usr/bin/env python3
"""Judges a history of a cluster's applications (load.h says what its lines are) against a simple model.

Usage: check_history.py HISTORY NODES LOCK_AFTER [--calls-may-fail]

A subject (a key, a share, a user, a password) is a register. An acknowledged write is there from its end at the latest,
one that was refused never, one whose outcome nobody knows from its beginning on, or never. A read may give what a write
could have left there: not what an acknowledged write had replaced before the read began. Every node must have shown
all keys and users afterwards. An account takes LOCK_AFTER wrong passwords and then no password at all.

Prints one line of figures and one for each violation; exit 0 when there is none.
"""
import sys
from collections import defaultdict, namedtuple

Line = namedtuple("Line", "kind who call start end result rv subject value")
ABSENT = "0"


def parse(text):
    lines = []
    for number, row in enumerate(text.splitlines(), 1):
        fields = row.split("\t")
        if len(fields) != 9:
            raise ValueError(f"line {number} of the history has {len(fields)} fields, not 9")
        lines.append(Line(*fields[:3], int(fields[3]), int(fields[4]), *fields[5:]))
    return lines


def kind_of(subject):
    return subject.split(":", 1)[0]


class Register:
    """What may be read of one subject, from all that was written."""

    def __init__(self, writes, initial):
        self.writes = [w for w in writes if w.result != "refused"]
        self.refused = [w for w in writes if w.result == "refused"]
        self.initial = initial

    def possible(self, start, end):
        done = [w for w in self.writes if w.result == "ok" and w.end <= start]
        values = set() if done or self.initial is None else {self.initial}
        for w in self.writes:
            replaced = w.result == "ok" and any(other.start >= w.end for other in done)
            if w.start <= end and not replaced:
                values.add(w.value)
        return values


def name_of(subject, value, possible, line, refused):
    where = "there" if line.who.startswith("node") else "read"
    if any(w.value == value for w in refused):
        return "refused, but there"
    if kind_of(subject) == "key":
        if value.isdigit() and int(value) > 1:
            return "doubled"
        return ("lost" if where == "there" else "stale") if value == ABSENT else "risen"
    return "stale" if where == "read" else "not on the node"


class Judge:
    def __init__(self, lines, nodes, lock_after, calls_may_fail=False):
        self.lines = lines
        self.nodes = nodes
        self.lock_after = lock_after
        self.calls_may_fail = calls_may_fail
        self.violations = []
        self.registers = {}
        self.counted_twice = 0

    def blame(self, what, line, why=""):
        self.violations.append(f"{what}: {line.subject} = {line.value} by {line.who} {line.call} "
                               f"[{line.start}, {line.end}] {line.result} {line.rv} {why}".rstrip())

    def calls(self):
        for line in self.lines:
            if line.result != "ok" and not self.calls_may_fail:
                self.blame("a call failed", line)
            if line.kind == "use" and line.result == "ok" and line.value != "good":
                self.blame("a wrong result", line)

    def initial(self, subject):
        return ABSENT if kind_of(subject) in ("key", "share", "user") else None

    def fill(self):
        writes = defaultdict(list)
        for line in self.lines:
            if line.kind == "write":
                writes[line.subject].append(line)
        for subject, some in writes.items():
            self.registers[subject] = Register(some, self.initial(subject))

    def reads(self):
        for line in self.lines:
            if line.kind != "read" or line.result != "ok" or kind_of(line.subject) in ("failures", "locked"):
                continue
            register = self.registers.get(line.subject) or Register([], self.initial(line.subject))
            possible = register.possible(line.start, line.end)
            if line.value.startswith("!"):
                good = not possible or any(value != line.value[1:] for value in possible)
            else:
                good = line.value in possible
            if not good:
                self.blame(name_of(line.subject, line.value, possible, line, register.refused), line,
                           f"possible: {', '.join(sorted(possible)) or 'nothing'}")

    def states(self):
        """Where a node showed all there is, what it did not show is absent there, and what it showed twice is double."""
        shown = defaultdict(int)
        for line in self.lines:
            if line.kind == "read" and line.call == "state" and line.result == "ok":
                shown[line.who, line.subject] += 1
        for who in (f"node{n}" for n in range(1, self.nodes + 1)):
            for kind in ("key", "user"):
                every = [x for x in self.lines if x.kind == "all" and x.who == who and kind_of(x.subject) == kind]
                if not every or every[-1].result != "ok":
                    self.violations.append(f"not seen: {who} did not show its {kind}s")
                    continue
                for subject, register in self.registers.items():
                    if kind_of(subject) != kind:
                        continue
                    n = shown[who, subject]
                    line = every[-1]._replace(subject=subject, value=str(n))
                    possible = register.possible(line.start, line.end)
                    if n != 1 and str(n) not in possible:
                        self.blame(name_of(subject, str(n), possible, line, register.refused), line)

    def accounts(self):
        guesses = defaultdict(list)
        for line in self.lines:
            if line.kind == "guess":
                guesses[line.subject].append(line)
        for subject, some in guesses.items():
            unlocks = [w for w in self.lines if w.kind == "write" and w.subject == "unlock:" + subject[5:]]
            deletes = [w for w in self.lines if w.kind == "write" and w.subject == subject and w.value == ABSENT]
            self.account(subject, some, unlocks, deletes)

    def account(self, subject, guesses, unlocks, deletes):
        unlocked = min((w.start for w in unlocks if w.result != "refused"), default=None)
        deleted = min((w.start for w in deletes if w.result != "refused"), default=None)
        before = [g for g in guesses if unlocked is None or g.start < unlocked]
        wrong = [g for g in before if g.value == "wrong" and g.result == "ok"]
        maybe = [g for g in before if g.result == "unknown"]
        for late in sorted(wrong, key=lambda g: g.end)[self.lock_after:]:
            self.blame("past the limit", late, f"wrong password {self.lock_after + 1} or later was looked at")
        for g in before:
            earlier = sum(1 for w in wrong if w.end <= g.start)
            if g.value == "in" and g.result == "ok" and earlier >= self.lock_after:
                self.blame("past the limit", g, "a login after the account was locked")
            started = sum(1 for w in wrong + maybe if w.start <= g.end)
            if g.value == "locked" and g.result == "ok" and started < self.lock_after:
                self.counted_twice += 1
        for g in guesses:
            if deleted is not None and all(w.result == "ok" and w.end <= g.start for w in deletes) and g.value == "in":
                self.blame("a login of nobody", g)
            if (unlocked is not None and all(w.result == "ok" and w.end <= g.start for w in unlocks) and
                    (deleted is None or g.end < deleted) and g.result == "ok" and g.value != "in"):
                self.blame("still locked", g)
        if unlocked is None:
            self.account_states(subject, len(wrong), len(wrong) + len(maybe))

    def account_states(self, subject, least, most):
        """Counters may be higher than what was answered (an answer can get lost), never lower."""
        name = subject[5:]
        for line in self.lines:
            if line.kind != "read" or line.subject not in ("failures:" + name, "locked:" + name):
                continue
            if line.subject.startswith("failures:") and not least <= int(line.value) <= self.lock_after:
                self.blame("a wrong counter", line, f"{least} wrong passwords were answered")
            if line.subject.startswith("locked:") and least >= self.lock_after and line.value != "1":
                self.blame("not locked", line)

    def agreement(self):
        """Counters are the same on all nodes."""
        seen = defaultdict(dict)
        for line in self.lines:
            if line.kind == "read" and kind_of(line.subject) in ("failures", "locked") and line.result == "ok":
                seen[line.subject][line.who] = line
        for by_node in seen.values():
            first = next(iter(by_node.values()))
            for line in by_node.values():
                if line.value != first.value:
                    self.blame("nodes differ", line, f"{first.who} has {first.value}")

    def run(self):
        self.fill()
        for step in (self.calls, self.reads, self.states, self.accounts, self.agreement):
            step()
        return self.violations


def figures(judge):
    lines = [x for x in judge.lines if x.call != "state"]
    kinds = {kind: [x for x in lines if x.kind == kind and x.subject != "first use"]
             for kind in ("write", "read", "use", "guess")}
    kinds["write"] += [x for x in lines if x.subject == "first use"]
    longest = {kind: max((x.end - x.start for x in some), default=0) // 1000 for kind, some in kinds.items()}
    failed = sum(1 for x in lines if x.result != "ok")
    there = sum(1 for s, r in judge.registers.items() if kind_of(s) == "key" and r.possible(1 << 62, 1 << 62) == {"1"})
    return (f"{len(kinds['use'])} uses, {len(kinds['write'])} changes, {len(kinds['read'])} reads, "
            f"{len(kinds['guess'])} guesses, {there} keys kept, failed {failed}, counted twice {judge.counted_twice}, "
            f"longest use {longest['use']} ms, change {longest['write']} ms, read {longest['read']} ms, "
            f"login {longest['guess']} ms")


def main(argv):
    with open(argv[1], encoding="ascii") as file:
        lines = parse(file.read())
    judge = Judge(lines, int(argv[2]), int(argv[3]), "--calls-may-fail" in argv)
    violations = judge.run()
    print(figures(judge))
    for violation in violations[:20]:
        print(violation)
    if len(violations) > 20:
        print(f"and {len(violations) - 20} more")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
