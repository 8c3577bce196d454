# Starts the client daemon as systemd does: the listening socket at descriptor 3, and a socket to tell readiness to.
# Usage: activate.py FOLDER CONFIG
import os
import socket
import subprocess
import sys

work = sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
listener.bind(work + '/third.sock')
listener.listen(16)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(work + '/notify')
notify.settimeout(20)
pid = os.fork()
if pid == 0:
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=work + '/notify')
    os.execvp('chsm-client', ['chsm-client', sys.argv[2]])
try:
    assert b'READY=1' in notify.recv(1000)
    os.environ['CHSM_SOCKET'] = work + '/third.sock'
    subprocess.run(['chsm-util', 'singlecmd', 'getHSMInfo'], check=True)
finally:
    os.kill(pid, 15)
    os.waitpid(pid, 0)
assert os.path.exists(work + '/third.sock'), 'the socket is not the daemon\'s to remove'
