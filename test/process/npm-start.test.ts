// `npm start` in a terminal, in a fresh copy of the checkout: on Ctrl-C the terminal signals npm and swob, and npm
// forwards its signal to swob.

import { resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startUsersStub } from '../../src/stubs/users.ts';
import { freshCopy } from '../project/page-commands.ts';
import { startProcess } from '../support/binary.ts';
import { needs, python } from '../support/needs.ts';
import { openSession } from '../support/phone.ts';
import { openSocket } from '../support/socket.ts';

test('one Ctrl-C with a connected client stops gracefully', async (context) => {
  needs(context, { command: python });
  const users = await startUsersStub({ host: '127.0.0.1', port: 0, users: new Map() });
  onTestFinished(() => users.close());
  const terminal = startProcess(python, [resolve('test/process/terminal.py'), 'npm', 'start'], {
    cwd: await freshCopy(),
    env: {
      SWOB_API_PORT: '0',
      SWOB_WEBSOCKET_PORT: '0',
      SWOB_USER_MANAGEMENT_API_PLATFORMS_URL: `${users.url}/v2/users/%s/platforms`,
    },
  });
  await terminal.waitForOutput('stdout', 'sync ready at ');
  const [, gateway = ''] = /gateway ready at (\S+)/.exec(terminal.stdout()) ?? [];
  const client = await openSocket(await openSession(gateway, 'alice'));
  await client.next();

  terminal.type('\u0003');
  expect(await client.closed).toEqual({ code: 1001, reason: 'server stopping' });
  expect(await terminal.exit).toEqual({ code: 130, signal: null });
  expect(terminal.stdout()).toContain('stopping signal=SIGINT');
  expect(terminal.stdout()).not.toContain('by force');
});
