#!/usr/bin/env python3
"""The tools at a terminal: a pseudo-terminal, a person who types, and what he must see. No case sleeps: each waits
for words. Usage: terminal.py CASE; the environment is that of tests/run/lib.sh."""
import os
import pty
import select
import signal
import stat
import sys
import termios
import time

STATE = os.path.join(os.getcwd(), "state")
HISTORY = os.path.join(STATE, "chsm")
MGMT = ["chsm-mgmt", "-c", os.environ["CHSM_CONF_DIR"] + "/chsm-mgmt.conf"]
PASSWORD = os.environ["CHSM_CO_PASSWORD"]


class Terminal:
    def __init__(self, argv):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(XDG_STATE_HOME=STATE, TERM="xterm", LC_ALL="C.UTF-8")
            os.environ.pop("NO_COLOR", None)
            os.execvp(argv[0], argv)

    def wait(self, words, seconds=20):
        """What came up to these words, and with them."""
        end = time.monotonic() + seconds
        while words.encode() not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            data = b""
            if ready:
                try:
                    data = os.read(self.fd, 4096)
                except OSError:
                    pass
            if not data:
                sys.exit("'%s' did not come; there was: %r" % (words, self.seen))
            self.seen += data
        at = self.seen.index(words.encode()) + len(words.encode())
        out, self.seen = self.seen[:at].decode("utf-8", "replace"), self.seen[at:]
        return out

    def prompt(self, words):
        """The prompt, and then line editing: what is typed before that is not for it."""
        out = self.wait(words)
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            select.select([], [], [], 0.01)
        return out

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def check(condition, words):
    if not condition:
        sys.exit(words)


def officer():
    t = Terminal(MGMT)
    t.prompt("cloudmgmt>")
    return t


def log_in(t):
    t.type("loginHSM CO admin -hpswd\r")
    t.wait("Enter password: ")
    t.type(PASSWORD + "\r")
    check(PASSWORD not in t.wait("loginHSM success"), "the password was shown")
    t.prompt("cloudmgmt>")


def user():
    t = Terminal(["chsm-util"])
    t.prompt("Command:")
    t.type("loginHSM -u CU -s cu1 -hpswd\r")
    t.wait("Enter password: ")
    t.type(os.environ["CHSM_CU_PASSWORD"] + "\r")
    t.wait("SUCCESS")
    t.prompt("Command:")
    return t


def leave(t, command="quit"):
    t.type("\x15" + command + "\r")
    check(t.end() == 0, "the tool did not end with 0")


def completion():
    t = officer()
    t.type("getPol\t")
    t.wait("icy")
    t.type("\r")
    t.wait("profile")
    t.prompt("cloudmgmt>")
    t.type("loginHSM CO adm\t")
    t.wait("in ")
    t.type("\x15")
    t.type("setAttribute 7 OBJ_ATTR_TRU\t")
    t.wait("STED")
    t.type("\x15")
    t.type("setPolicy wrap_s\t")
    t.wait("trength")
    leave(t)


def completion_of_options_and_labels():
    t = user()
    t.type("genSymKey -t 31 -s 16 -l särskild -sess\r")
    t.wait("Key Handle")
    t.prompt("Command:")
    t.type("genSymKey -t 31 -s 16 -l overnight\r")
    t.wait("Key Handle")
    t.prompt("Command:")
    t.type("genSymKey -wrap_w\t")
    t.wait("ith_trusted")
    t.type("\x15")
    t.type("findKey -l overn\t")
    t.wait("ight")
    t.type("\r")
    t.wait("Total number of keys present: 1")
    leave(t)


def history():
    t = officer()
    log_in(t)
    t.type("getPolicy\r")
    t.wait("profile")
    t.prompt("cloudmgmt>")
    t.type("loginHSM CO admin " + PASSWORD + "\r")
    t.wait("loginHSM success")
    t.prompt("cloudmgmt>")
    t.type("logi CO admin " + PASSWORD + "\r")
    t.prompt("cloudmgmt>")
    t.type("flyHSM CO admin " + PASSWORD + "\r")
    t.prompt("cloudmgmt>")
    leave(t)
    path = os.path.join(HISTORY, "chsm-mgmt.history")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others may read the history")
    check(stat.S_IMODE(os.stat(HISTORY).st_mode) == 0o700, "others may look into the history's folder")
    with open(path, encoding="utf-8") as f:
        lines = f.read()
    check("getPolicy" in lines, "a command is not in the history")
    check(PASSWORD not in lines and "loginHSM" not in lines, "a password is in the history")
    t = officer()
    t.type("\x1b[A\x1b[A")  # up twice: the line before quit
    t.wait("getPolicy")
    leave(t)


def interrupt_at_prompt():
    t = officer()
    t.type("half a command")
    t.wait("half a command")
    t.type("\x03")
    t.prompt("cloudmgmt>")
    t.type("getPolicy\r")
    t.wait("profile")
    t.prompt("cloudmgmt>")
    leave(t)


def interrupt_of_a_question():
    t = officer()
    t.type("loginHSM CO admin -hpswd\r")
    t.wait("Enter password: ")
    t.type("\x03")
    t.wait("cancelled")
    t.prompt("cloudmgmt>")
    log_in(t)
    t.type("createUser CU cu7 user7777\r")
    t.wait("(y/n)?")
    t.type("\x03")
    t.wait("cancelled")
    t.prompt("cloudmgmt>")
    t.type("listUsers\r")
    check("cu7" not in t.prompt("cloudmgmt>"), "the user was made all the same")
    leave(t)


def interrupt_of_a_command():
    """While the node does not answer."""
    node = int(os.environ["CHSM_NODE_PIDS"].split()[0])
    t = officer()
    os.kill(node, signal.SIGSTOP)
    try:
        t.type("getPolicy\r")
        t.wait("getPolicy")
        begun = time.monotonic()
        t.type("\x03")
        t.wait("cancelled", seconds=3)
        check(time.monotonic() - begun < 3, "Ctrl-C waited for the node")
    finally:
        os.kill(node, signal.SIGCONT)
    t.prompt("cloudmgmt>")
    t.type("getPolicy\r")
    t.wait("profile")
    t.prompt("cloudmgmt>")
    leave(t)


def colour():
    t = officer()
    t.type("fly\r")
    check("\x1b[31m" in t.wait("there is no command"), "a refusal has no colour")
    t.prompt("cloudmgmt>")
    leave(t)


def failure_of_one_server():
    """One of three servers is nowhere: the documented question, and each of its answers."""
    conf = os.path.join(os.getcwd(), "three.conf")
    with open(MGMT[2]) as f:
        lines = f.read().splitlines()
    server = [line for line in lines if line.startswith("server")][0]
    with open(conf, "w") as f:
        f.write("\n".join([server, "server = 127.0.0.1:1", server] + [x for x in lines if not x.startswith("server")]))
    t = Terminal(["chsm-mgmt", "-c", conf])
    t.prompt("cloudmgmt>")
    t.type("getPolicy\r")
    out = t.wait("Retry/Ignore/Abort?(R/I/A):")
    check("failed on server 1(127.0.0.1): " in out, "it is not told which server failed")
    t.type("x\r")
    t.wait("please type 'R', 'I' or 'A'")
    t.wait("Retry/Ignore/Abort?(R/I/A):")
    t.type("r\r")
    t.wait("Server 1 is not connected")
    t.wait("Retry/Ignore/Abort?(R/I/A):")
    t.type("I\r")
    check("profile" in t.prompt("cloudmgmt>"), "the third server was not asked")
    t.type("getPolicy\r")
    t.wait("Retry/Ignore/Abort?(R/I/A):")
    t.type("abort\r")
    t.wait("aborted: nothing was sent to the servers after server 1")
    check("profile" not in t.prompt("cloudmgmt>"), "the third server was asked")
    t.type("getPolicy\r")
    t.wait("Retry/Ignore/Abort?(R/I/A):")
    t.type("\x03")
    t.wait("aborted")
    t.prompt("cloudmgmt>")
    leave(t)
    t = Terminal(["chsm-mgmt", "-c", conf, "--on-failure", "ignore"])
    t.prompt("cloudmgmt>")
    t.type("getPolicy\r")
    check("R/I/A" not in t.prompt("cloudmgmt>"), "it was asked all the same")
    leave(t)


def progress():
    """An import of many keys, into a partition where the folder and the KEK are."""
    os.makedirs("counted", exist_ok=True)
    for i in range(300):
        with open("counted/counted-%d.key" % i, "wb") as f:
            f.write(os.urandom(32))
    with open("userkek.handle") as f:
        kek = f.read().strip()
    t = user()
    t.type("imSymKey -t 31 -d counted -w %s\r" % kek)
    t.wait("done: ")
    out = t.wait("300 done, 0 skipped as done before, of 300")
    check("\r\x1b[K" in out, "the count stays on the terminal")
    t.prompt("Command:")
    leave(t, "exit")


CASES = {f.__name__: f for f in (completion, completion_of_options_and_labels, history, interrupt_at_prompt,
                                 interrupt_of_a_question, interrupt_of_a_command, colour, failure_of_one_server,
                                 progress)}
CASES[sys.argv[1]]()
