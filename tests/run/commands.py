#!/usr/bin/env python3
"""Runs rows of commands through both tools in JSON mode, and checks that nothing was left out.

Usage: commands.py ROWS_FOLDER SOURCE_FOLDER; the environment is that of tests/run/lib.sh. Prints TAP.

A file of rows:
    @NAME = PROGRAM [ARGUMENT...]   a session: a tool that lives until the end
    @NAME                           the rows that follow are typed there
    ! SHELL COMMAND                 must succeed; $variables are in its environment, and the function `wait FILE`
    COMMAND => ok [FIELD=VALUE] [FIELD:VARIABLE]...
    COMMAND => REASON: WORDS        refused for this reason (of err_rows.c), with these words
    COMMAND &                       typed; it waits for a line
    < LINE => ...                   the line it waits for, and what came of it; with " &" it waits for one more
    x255 COMMAND => ok              as often as that
VALUE is JSON, or a string. $NAME is replaced everywhere. docs/json.md has the fields of every command's answer: an
answer with others, or without one that is not marked as optional, fails; so do objects in its lists. At the end each command of both helps must have
succeeded, and must have been refused, and each refusal of src/tools must have been seen; rows of elsewhere.txt say what
was not, and why."""
import glob
import json
import os
import re
import signal
import string
import subprocess
import sys

ROWS, TOP = sys.argv[1], sys.argv[2]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lint"))
from c_source import call_end
ALWAYS = {"command", "ok"}
ANYTIME = {"note", "advice"}  # what a node, or the tool, remarks on any command
# A tool writes a file and waits for a line: the file is there, and is whole, soon.
WAIT = """wait() { n=0; until python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$1" 2>/dev/null; do
n=$((n + 1)); [ $n -lt 100 ]; sleep 0.05; done; }
"""
TOOLS = {"chsm-mgmt": "mgmt", "chsm-util": "util"}
count = bad = 0
sentences = set()


def tap(good, name, words=""):
    global count, bad
    count += 1
    bad += not good
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    if not good:
        for line in str(words).splitlines():
            print("# " + line)
    sys.stdout.flush()


class Session:
    def __init__(self, argv):
        self.tool = TOOLS[os.path.basename(argv[0])]
        self.log = open("session.err", "a")
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        signal.alarm(60)  # a tool that waits for a line that nobody types ends the test
        line = self.process.stdout.readline()
        signal.alarm(0)
        return line

    def end(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.wait()
        return rest


def documented_fields():
    """docs/json.md: tool, command -> fields, and those that may be absent."""
    fields = {}
    with open(TOP + "/docs/json.md") as f:
        for line in f:
            cells = [c.strip() for c in line.split("|")]
            if len(cells) < 5 or cells[1] not in ("mgmt", "util"):
                continue
            named = re.sub(r": (`[a-z0-9_]+`\??,? ?)+(\([a-z ]+\) )?of each", "", cells[3])  # fields of a field
            names = re.findall(r"`([a-z0-9_]+)`(\?)?", re.sub(r"with `.*", "", named))
            for command in re.findall(r"`([A-Za-z0-9_]+)`", cells[2]):
                fields[cells[1], command] = ({n for n, _ in names}, {n for n, mark in names if mark})
    return fields


def documented_rows():
    """docs/json.md: tool, command -> field that is a list -> fields of each of its objects, and those that may be absent."""
    inner = {}
    with open(TOP + "/docs/json.md") as f:
        for line in f:
            cells = [c.strip() for c in line.split("|")]
            if len(cells) < 5 or cells[1] not in ("mgmt", "util"):
                continue
            lists = re.findall(r"`([a-z0-9_]+)`\??: ((?:`[a-z0-9_]+`\??,? ?)+)(?:\([a-z ]+\) )?of each", cells[3])
            for command in re.findall(r"`([A-Za-z0-9_]+)`", cells[2]):
                for name, each in lists:
                    names = re.findall(r"`([a-z0-9_]+)`(\?)?", each)
                    inner[cells[1], command, name] = ({n for n, _ in names}, {n for n, mark in names if mark})
    return inner


class Rows:
    def __init__(self):
        self.sessions, self.current, self.fields = {}, None, documented_fields()
        self.rows, self.rows_seen = documented_rows(), set()
        self.variables = dict(os.environ)
        self.succeeded, self.refused, self.waiting = set(), set(), None

    def expand(self, text):
        return string.Template(text).safe_substitute(self.variables)

    def run(self, path):
        with open(path) as f:
            for number, line in enumerate(f, 1):
                line = line.rstrip("\n")
                if line.strip() and not line.startswith("#"):
                    self.line("%s:%d" % (os.path.basename(path), number), line)

    def line(self, where, line):
        if line.startswith("@"):
            name, _, program = (p.strip() for p in line[1:].partition("="))
            if program:
                self.sessions[name] = Session(self.expand(program).split())
            self.current = self.sessions[name]
        elif line.startswith("!"):
            command = line[1:].strip()
            done = subprocess.run(["sh", "-euc", WAIT + command], env=self.variables, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                tap(False, where + " " + command, done.stdout)
        elif line.endswith(" &"):
            typed = self.expand(line[:-2])
            self.current.type(typed[1:].strip() if typed.startswith("<") else typed)
            self.waiting = self.waiting if typed.startswith("<") else typed
        elif line.startswith("x255 "):
            self.repeat(where, line[5:], 255)
        else:
            command, _, expected = line.rpartition(" => ")
            command, expected = self.expand(command), self.expand(expected.strip())
            if command.startswith("<"):
                typed, command = command[1:].strip(), self.waiting
            else:
                typed = command
            self.current.type(typed)
            self.judge("%s %s: %s" % (where, command.replace("#", "\\#"), expected.split(":")[0].split()[0]), expected)

    def repeat(self, where, line, times):
        command, _, expected = line.rpartition(" => ")
        wrong = None
        for _ in range(times):
            self.current.type(self.expand(command))
            wrong = wrong or self.success(json.loads(self.current.answer()), expected)
        tap(not wrong, "%s %s, %d times" % (where, command, times), wrong)

    def judge(self, name, expected):
        text = self.current.answer()
        try:
            answer = json.loads(text)
        except ValueError:
            tap(False, name, "no JSON document on one line: %r" % text)
            return
        wrong = self.success(answer, expected) if expected.split()[0] == "ok" else self.refusal(answer, expected)
        tap(not wrong, name, "%s\n%s" % (wrong, text))

    def success(self, answer, expected):
        if not answer.get("ok"):
            return "it was refused"
        key = self.current.tool, answer["command"]
        self.succeeded.add(key)
        return self.values(answer, expected.split()[1:]) or self.undocumented(answer, key)

    def undocumented(self, answer, key):
        if key not in self.fields:
            return "docs/json.md does not have the command"
        allowed, optional = self.fields[key]
        for one in self.parts(answer):
            there = set(one) - ALWAYS
            if there - allowed - ANYTIME and "any" not in allowed:
                return "fields that docs/json.md does not have: %s" % sorted(there - allowed - ANYTIME)
            if allowed - optional - there - {"any"}:
                return "fields of docs/json.md are missing: %s" % sorted(allowed - optional - there)
            wrong = self.undocumented_rows(one, key)
            if wrong:
                return wrong
        return None

    def undocumented_rows(self, answer, key):
        """The objects of each list in it."""
        for name, value in answer.items():
            objects = [o for o in value if isinstance(o, dict)] if isinstance(value, list) else []
            if objects and key + (name,) not in self.rows:
                return "docs/json.md does not say what is in each of %s: %s" % (name, sorted(objects[0]))
            for o in objects:
                allowed, optional = self.rows[key + (name,)]
                if set(o) - allowed or allowed - optional - set(o):
                    return "in %s: not in docs/json.md %s, missing %s" % (
                        name, sorted(set(o) - allowed), sorted(allowed - optional - set(o)))
                self.rows_seen.add(key + (name,))
        return None

    @staticmethod
    def parts(answer):
        """An answer, or one for each server."""
        servers = answer.get("servers")
        if isinstance(servers, list) and servers and "server" in servers[0]:
            rest = {k: v for k, v in answer.items() if k != "servers"}
            return [{**rest, **{k: v for k, v in s.items() if k not in ("server", "hostname")}} for s in servers]
        return [answer]

    def values(self, answer, wanted):
        for want in wanted:
            path, sign, value = re.match(r"([^=:]+)([=:])(.*)", want).groups()
            found = answer
            try:
                for step in path.split("."):
                    found = found[int(step)] if isinstance(found, list) else found[step]
            except (KeyError, IndexError, ValueError):
                return "there is no '%s'" % path
            if sign == ":":
                self.variables[value] = str(found)
                continue
            try:
                wish = json.loads(value)
            except ValueError:
                wish = value
            if found != wish:
                return "%s is %r, not %r" % (path, found, wish)
        return None

    def refusal(self, answer, expected):
        reason, _, words = expected.partition(":")
        if answer.get("ok"):
            return "it was not refused"
        sentences.add(answer["detail"])
        for one in answer.get("servers", []):
            sentences.add(one.get("detail", ""))
        if answer["reason"] != reason:
            return "the reason is %s" % answer["reason"]
        if words.strip() not in answer["detail"]:
            return "the words '%s' are missing" % words.strip()
        if not isinstance(answer["code"], int) or answer["code"] == 0:
            return "there is no code"
        self.refused.add((self.current.tool, answer["command"]))
        return None

    def end(self):
        for name, session in self.sessions.items():
            rest = session.end()
            tap(not rest, "session %s says nothing more" % name, rest)


def helps():
    """Every command of both tools, as they list them."""
    mgmt = ["chsm-mgmt", "--json", "-c", os.environ["CHSM_CONF_DIR"] + "/chsm-mgmt.conf"]
    found = set()
    for tool, argv, lines in (("mgmt", mgmt, "help\n"), ("mgmt", mgmt, "server 0\nhelp\n"),
                              ("util", ["chsm-util", "--json"], "help\n")):
        said = subprocess.run(argv, input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout
        for command in json.loads(said.splitlines()[-1])["commands"]:
            found.add((tool, command["name"]))
    return found


# ---- every refusal that stands in the sources of the tools ----

def source_sentences():
    """Place -> regular expressions that its sentence matches."""
    found = []
    for path in sorted(glob.glob(TOP + "/src/tools/*.c")):
        with open(path) as f:
            text = f.read()
        for call in re.finditer(r"shell_fail\(\s*sh,", text):
            arguments = text[call.end():call_end(text, call.end()) - 1]
            body = re.sub(r'"\s*PRI[a-z0-9]+\s*(,|$)', r'llu"\1', arguments)
            body = re.sub(r'"\s*(PRI[a-z0-9]+)\s*"', "llu", body)  # PRIu64 after its %
            # A choice between formats (c ? "a" : "b") has one sentence for each.
            literals = re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+', body)
            formats = ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', one)) for one in literals]
            formats = [f.replace('\\"', '"') for f in formats if " " in f]
            line = text.count("\n", 0, call.start()) + 1
            for one in formats or ["%s"]:
                if "ERR_MEMORY" not in arguments:
                    found.append((os.path.basename(path), line, one))
    return found


def pattern(fmt):
    parts = re.split(r"%(?:\.?[0-9*]*)(?:ll|z|l|h)?[sudxc]", fmt.replace("%%", "%"))
    return re.compile("(?s)(.*: )?" + ".*".join(re.escape(p) for p in parts))


def elsewhere():
    """What these rows cannot provoke: file, sentence -> where it is tested, or why not."""
    rows = {}
    with open(ROWS + "/elsewhere.txt") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, sentence, why = (p.strip() for p in line.rstrip("\n").split(" | "))
                rows[name, sentence] = why
    return rows


def proved(why, fmt):
    """'tested by tests/run/x.sh: WORDS' is looked up; other reasons are for the reader."""
    match = re.match(r"tested by (\S+): (.*)", why)
    if not match:
        return bool(re.match(r"cannot happen: |needs ", why))
    with open(os.path.join(TOP, match.group(1))) as f:
        return match.group(2) in f.read() and pattern(fmt) is not None


def check_sentences():
    others, used, missing = elsewhere(), set(), []
    for name, line, fmt in source_sentences():
        if fmt == "%s" or any(pattern(fmt).fullmatch(s) for s in sentences):
            continue
        why = others.get((name, fmt))
        used.add((name, fmt))
        if why is None or not proved(why, fmt):
            missing.append("%s:%d: %s" % (name, line, fmt))
    tap(not missing, "every refusal of the tools' sources was seen, or is told of in elsewhere.txt",
        "\n".join(missing))
    stale = ["%s | %s" % key for key in others if key not in used]
    tap(not stale, "elsewhere.txt has no row for what was seen here or is gone", "\n".join(stale))


def check_commands(rows):
    known, never = helps(), set()
    with open(ROWS + "/never.txt") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                tool, command, *why = line.split(None, 2)
                never.add((tool, command))
                if why:
                    match = re.match(r"tested by (\S+): (.*)", why[0].strip())
                    with open(os.path.join(TOP, match.group(1))) as f2:
                        tap(match.group(2) in f2.read(), "%s is %s" % (command, why[0].strip()))
    lack = known - rows.succeeded - never
    tap(not lack, "every command of both helps succeeded in JSON", sorted(lack))
    tap(not never & rows.succeeded and never <= known, "never.txt is right", sorted(never & rows.succeeded))
    lack = known - rows.refused
    tap(not lack, "every command was refused", sorted(lack))
    seen = {row[1:] for row in rows.rows_seen}  # by one of the tools
    lack = {row for row in rows.rows if row[1:] not in seen and row[:2] not in never}
    tap(not lack, "each list of docs/json.md had objects in it", sorted(lack))
    odd = set(rows.fields) ^ known
    tap(not odd, "docs/json.md has each command once", sorted(odd))


rows = Rows()
for file in sorted(glob.glob(ROWS + "/[0-9]*.txt")):
    rows.run(file)
rows.end()
check_commands(rows)
check_sentences()
print("# %d" % count)
sys.exit(bad > 0)
