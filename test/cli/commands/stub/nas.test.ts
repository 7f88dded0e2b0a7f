// `swob stub nas` as a command line in the test process: the accounting that it sends.

import { EventEmitter, once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../../src/app/system-clock.ts';
import { run } from '../../../../src/cli/run.ts';
import type { AccountingEvent } from '../../../../src/domain/wifi/accounting.ts';
import { openAccountingServer } from '../../../../src/radius/accounting-server.ts';
import { onEnd } from '../../../support/teardown.ts';

function start(...options: string[]) {
  const signals = new EventEmitter();
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough({ encoding: 'utf8' });
  const io = { stdin: Readable.from([]), stdout, stderr, signals, clock: systemClock, env: {} };
  const exit = run(['stub', 'nas', '--port', '0', '--radius-port', '0', ...options], io);
  onTestFinished(async () => {
    signals.emit('SIGTERM');
    await exit;
  });
  return { exit, stdout };
}

async function postAccounting(cli: ReturnType<typeof start>, body: object): Promise<number> {
  const url = /http:\/\/[\d.:]+/.exec(String((await once(cli.stdout, 'data'))[0]))?.[0];
  return (await fetch(`${url}/__accounting`, { method: 'POST', body: JSON.stringify(body) })).status;
}

test('--accounting sends what POST /__accounting says', async () => {
  const events: AccountingEvent[] = [];
  const server = await openAccountingServer({
    ...{ host: '127.0.0.1', port: 0, failed: () => undefined },
    nasAt: () => [{ secret: () => Buffer.from('testing123') }],
    record: (event) => void events.push(event),
  });
  onEnd(server.close);
  const cli = start('--accounting', `127.0.0.1:${server.port}`);
  const session = { sessionId: '7', clientMac: 'FC-45-96-5F-50-AC' };
  expect(await postAccounting(cli, { status: 'interim', ...session })).toBe(200);
  const expected = { status: 'interim', sessionId: '7', mac: session.clientMac, addresses: ['127.0.0.1'] };
  await vi.waitFor(() => expect(events[0]).toEqual(expected));
});

test('without it there is nothing to send, and an address is not a name', async () => {
  expect(await postAccounting(start(), { status: 'stop', sessionId: '7' })).toBe(400);
  expect(await start('--accounting', 'localhost:1813').exit).toBe(64);
});

test('a text that fits into no attribute is refused', async () => {
  const session = { sessionId: '7', userName: 'x'.repeat(254) };
  expect(await postAccounting(start('--accounting', '127.0.0.1:1813'), { status: 'stop', ...session })).toBe(
    400,
  );
});
