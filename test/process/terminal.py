# Runs a command in a terminal of its own: what it prints goes to stdout, each byte from stdin is typed. Ends as the
# command does, 128 + n when signal n ended it.

import os
import pty
import select
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

sources = [terminal, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        keys = os.read(0, 1024)
        if keys:
            os.write(terminal, keys)
        else:
            sources.remove(0)
    if terminal in ready:
        try:
            output = os.read(terminal, 65536)
        except OSError:  # Every process has closed it.
            break
        if not output:
            break
        os.write(1, output)

_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
