# Runs a command and kills a process with SIGKILL when a file has come to be so large, or when the command has ended.
# Usage: kill_at.py PID FILE BYTES COMMAND [ARGUMENT]...; FILE "-": at once. FILE may be a folder: then of all in it.
import os
import signal
import subprocess
import sys
import time

pid, path, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def reached():
    if path == '-':
        return True
    try:
        if os.path.isdir(path):
            return sum(os.path.getsize(os.path.join(path, n)) for n in os.listdir(path)) >= size
        return os.path.getsize(path) >= size
    except OSError:
        return False


command = subprocess.Popen(sys.argv[4:], stdin=sys.stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
until = time.monotonic() + 60
while not reached() and command.poll() is None and time.monotonic() < until:
    pass
try:
    os.kill(pid, signal.SIGKILL)
except ProcessLookupError:
    pass
command.kill()  # it would ask the dead node again and again
command.wait()
