# Runs a program on a terminal of its own. Arguments: a JSON list of [expect, send] pairs, then the command; null in place of
# a text to send closes the terminal. Prints a JSON object: everything that the terminal showed, and the exit code.
import json, os, pty, select, sys, time

LIMIT_SECONDS = 25

pairs = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b''
deadline = time.monotonic() + LIMIT_SECONDS
while time.monotonic() < deadline:
    readable, _, _ = select.select([terminal], [], [], 0.1)
    if readable:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    if pairs and pairs[0][0].encode() in shown:
        text = pairs.pop(0)[1]
        if text is None:
            os.close(terminal)
            break
        os.write(terminal, text.encode())
else:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
json.dump({'shown': shown.decode(errors='replace'), 'code': os.waitstatus_to_exitcode(status)}, sys.stdout)
