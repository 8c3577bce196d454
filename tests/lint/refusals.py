#!/usr/bin/env python3
"""Holds tests/unit/vault/refusals.txt against the sources of src/vault. Usage: refusals.py TOP [--missing FOLDER]

Each sentence that an err_set of src/vault can say must have a row "FILE | FORMAT | WHO", and each row a sentence. WHO is a
test program of vault or cluster, which itself fails when it has not seen the sentence (tests/unit/vault/refusals.c), or
"tested by FILE: WORDS" (looked up; WORDS are a piece of the sentence), or begins with "cannot happen: ", "needs " or
"no test: ". Of the last there are as many as the line "# no test: N" says, and there shall only be fewer. Those for lack of memory are not asked for.
--missing: prints rows for what FOLDER (CHSM_REFUSALS of tests that ran) has and refusals.txt does not, and what is left."""
import glob
import os
import re
import sys

TOP = sys.argv[1]
sys.dont_write_bytecode = True
from c_source import call_end

FILE = TOP + "/tests/unit/vault/refusals.txt"


def arguments_of(text):
    """Split at the commas of the call itself."""
    parts, depth, quoted, start, at = [], 0, False, 0, 0
    while at < len(text):
        c = text[at]
        if quoted:
            at += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return parts + [text[start:]]


def formats(argument):
    """The literals of a format argument: those of a choice (c ? "a" : "b") are one each."""
    body = re.sub(r'(")\s*[A-Z][A-Z_]+\s*(")', r'\1 "%s" \2', argument)  # a name that stands for a literal
    body = re.sub(r"\bPRI([a-z])(64|32)\b", lambda m: '"%s%s"' % ("l" if m.group(2) == "64" else "", m.group(1)), body)
    runs = re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+', body)
    joined = ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', run)) for run in runs]
    return [j.replace('\\"', '"').replace("\\\\", "\\").replace("\\n", "\n") for j in joined]


def sentences():
    """(file, format) -> line of the call."""
    found = {}
    for path in sorted(glob.glob(TOP + "/src/vault/*.[ch]")):
        with open(path) as f:
            text = f.read()
        for call in re.finditer(r"\berr_set\(", text):
            parts = arguments_of(text[call.end():call_end(text, call.end()) - 1])
            if len(parts) < 3 or "ERR_MEMORY" in parts[1]:
                continue
            for one in formats(parts[2]):
                if one != "%s" and " " in one:
                    found.setdefault((os.path.basename(path), one), text.count("\n", 0, call.start()) + 1)
    return found


def rows():
    """(file, format) -> who; and how many may have no test."""
    found, untested = {}, 0
    with open(FILE) as f:
        for line in f:
            if line.startswith("# no test: "):
                untested = int(line.split(": ")[1])
            if line.strip() and not line.startswith("#"):
                name, rest = line.rstrip("\n").split(" | ", 1)
                fmt, who = rest.rsplit(" | ", 1)
                found[name, fmt] = who
    return found, untested


def proved(who, fmt, programs):
    match = re.match(r"tested by (\S+): (.{12,})", who)
    if match:  # a piece of the sentence, and there
        path = os.path.join(TOP, match.group(1))
        return match.group(2) in fmt and os.path.exists(path) and match.group(2) in open(path).read()
    return who in programs or bool(re.match(r"cannot happen: |needs |no test: ", who))


def programs():
    return {room + "_" + os.path.basename(p)[:-2] for room in ("vault", "cluster")
            for p in glob.glob("%s/tests/unit/%s/test_*.c" % (TOP, room))}


def missing(folder):
    said, (have, _) = sentences(), rows()
    seen = {}
    for path in sorted(glob.glob(folder + "/*_test_*"), reverse=True):
        with open(path) as f:
            for line in f:
                seen.setdefault(line.rstrip("\n"), os.path.basename(path))
    left = []
    for (name, fmt), line in said.items():
        if (name, fmt) not in have:
            if fmt in seen:
                print("%s | %s | %s" % (name, fmt, seen[fmt]))
            else:
                left.append("%s | %s | ? line %d" % (name, fmt, line))
    print("\n".join(left), file=sys.stderr)


def main():
    if len(sys.argv) > 3:
        return missing(sys.argv[3])
    said, (have, most), bad = sentences(), rows(), 0
    for (name, fmt), line in said.items():
        if (name, fmt) not in have:
            print("src/vault/%s:%d: no test is known to see: %s" % (name, line, fmt))
            bad = 1
    for (name, fmt), who in have.items():
        if (name, fmt) not in said:
            print("refusals.txt has what src/vault/%s does not say: %s" % (name, fmt))
            bad = 1
        elif not proved(who, fmt, programs()):
            print("refusals.txt: '%s' does not hold for: %s" % (who, fmt))
            bad = 1
    untested = sum(who.startswith("no test: ") for who in have.values())
    if untested != most:
        print("%d refusals have no test, and refusals.txt says %d: lower it, or write the test" % (untested, most))
        bad = 1
    return bad


sys.exit(main())
