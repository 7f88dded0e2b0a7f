// The real binary under a service manager: what it notifies systemd of, and how it exits as process 1 of a container.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProcess, startSwob, swobScript } from '../support/binary.ts';
import { needs, python } from '../support/needs.ts';
import { createInstallation } from './installation.ts';

/** Prints every datagram received on the given socket as a JSON string. */
const listener = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)
`;

test('notifies systemd when it is ready, alive and stopping', async (context) => {
  needs(context, { command: 'systemd-notify' }, { command: python });
  const { folder } = await createInstallation();
  const socket = join(folder, 'notify');
  const systemd = startProcess(python, ['-c', listener, socket], { cwd: folder });
  await systemd.waitForOutput('stdout', 'listening');
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '500000' };
  const swob = await startSwob(['serve'], { cwd: folder, env });
  const status = `STATUS=${swob.ready.gateway.url} ${swob.ready.sync.url}`;
  await systemd.waitForOutput('stdout', JSON.stringify(`READY=1\n${status}`));
  await systemd.waitForOutput('stdout', '"WATCHDOG=1"');
  swob.kill('SIGTERM');
  await systemd.waitForOutput('stdout', JSON.stringify('STOPPING=1\nSTATUS=stopping'));
  // It ends by the signal itself, which systemd considers a clean stop.
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(swob.stderr()).not.toContain('systemd');
});

test('exits as process 1 of a container, which its own signal cannot kill', async (context) => {
  needs(context, { mounts: true });
  const { folder } = await createInstallation();
  const args = ['--pid', '--fork', '--kill-child', process.execPath, swobScript, 'serve'];
  const outside = startProcess('unshare', args, { cwd: folder });
  await outside.waitForOutput('stdout', 'sync ready at ');
  const children = readFileSync(`/proc/${outside.pid}/task/${outside.pid}/children`, 'utf8');
  process.kill(Number(children), 'SIGTERM');
  expect(await outside.exit).toEqual({ code: 143, signal: null });
  expect(outside.stderr()).toContain('stopping');
});
