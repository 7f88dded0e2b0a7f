// GELF to a listener with a real UDP socket, and to addresses that do not accept it.

import { expect, onTestFinished, test, vi } from 'vitest';
import { type Address, createGelfSender, type GelfDeps } from '../../../src/app/logging/gelf-sender.ts';
import type { LogRecord } from '../../../src/app/logging/record.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { startGelfListener } from '../../support/gelf.ts';
import { createMemoryLog } from '../../support/log.ts';
import { needs } from '../../support/needs.ts';

function trial(options: Partial<GelfDeps> & Pick<GelfDeps, 'port'>) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const sender = createGelfSender({ host: '127.0.0.1', clock, log, ...options });
  onTestFinished(() => sender.close());
  return { clock, log, sender };
}

const line = (msg: string): LogRecord => ({ level: 30, time: '2026-08-02T07:03:22.123Z', msg });
const local: Address = { address: '127.0.0.1', family: 4 };

test('lines arrive, also those of many datagrams', async () => {
  const listener = await startGelfListener();
  const { sender } = trial({ port: listener.port });
  const long = 'x'.repeat(10_000);
  sender.send(line('short'));
  sender.send(line(long));
  await vi.waitFor(() => expect(listener.messages).toHaveLength(2));
  expect(listener.messages.map(({ short_message }) => short_message)).toEqual(['short', long]);
  expect(listener.sizes.filter((size) => size === 1_420).length).toBeGreaterThan(5);
  expect(Math.max(...listener.sizes)).toBe(1_420);
  expect(sender.dropped).toBe(0);
});

test('close sends buffered lines first', async () => {
  const listener = await startGelfListener();
  const { sender } = trial({ port: listener.port, host: 'graylog', resolve: async () => local });
  sender.send(line('stopping'));
  await sender.close();
  await vi.waitFor(() => expect(listener.messages).toHaveLength(1));
});

test('lines wait for the address up to a limit, and drops are reported once a minute', async () => {
  const listener = await startGelfListener();
  let respond: (address: Address) => void = () => {};
  const resolve = () => new Promise<Address>((found) => (respond = found));
  const { sender, log, clock } = trial({ port: listener.port, host: 'graylog', resolve });
  const text = 'x'.repeat(100_000);
  for (let count = 0; count < 30; count++) sender.send(line(text));
  expect(sender.dropped).toBe(20);
  expect(log.lines).toMatchObject([
    {
      level: 'error',
      fields: { lost: 1, reason: 'buffer full' },
      message: 'log lines for Graylog were dropped',
    },
  ]);
  clock.advance(60_000);
  expect(log.lines).toMatchObject([{ fields: { lost: 1 } }, { fields: { lost: 19 } }]);
  clock.advance(600_000);
  expect(log.lines).toHaveLength(2);
  respond(local);
  await sender.close();
  // A burst of a megabyte exceeds the receive buffer of the listener.
  await vi.waitFor(() => expect(listener.messages.length).toBeGreaterThan(0));
  sender.send(line('after the end'));
});

test('an unknown host drops lines, and is looked up again until it resolves', async () => {
  const listener = await startGelfListener();
  let known = false;
  let lookups = 0;
  const resolve = async (): Promise<Address> => {
    lookups++;
    if (known) return local;
    throw Object.assign(new Error('getaddrinfo ENOTFOUND graylog'), { code: 'ENOTFOUND' });
  };
  const { sender, log, clock } = trial({ port: listener.port, host: 'graylog', resolve });
  sender.send(line('one'));
  await vi.waitFor(() => expect(sender.dropped).toBe(1));
  for (let count = 0; count < 100; count++) sender.send(line('more'));
  expect([sender.dropped, lookups]).toEqual([101, 1]);
  expect(log.lines).toMatchObject([{ fields: { host: 'graylog', lost: 1, reason: 'ENOTFOUND' } }]);
  known = true;
  clock.advance(5_000);
  sender.send(line('at last'));
  await vi.waitFor(() => expect(listener.messages).toHaveLength(1));
  expect(listener.messages[0]).toMatchObject({ short_message: 'at last' });
});

test('a new address is used within a minute, and the last one stays when the lookup fails', async (context) => {
  needs(context, { loopbackNetwork: true });
  const first = await startGelfListener();
  const second = await startGelfListener(first.port, '127.0.0.2');
  let response: Address | Error = local;
  const resolve = async () => {
    if (response instanceof Error) throw response;
    return response;
  };
  const { sender, clock } = trial({ port: first.port, host: 'graylog', resolve });
  sender.send(line('a'));
  await vi.waitFor(() => expect(first.messages).toHaveLength(1));
  response = new Error('no name server');
  clock.advance(60_000);
  sender.send(line('b'));
  await vi.waitFor(() => expect(first.messages).toHaveLength(2));
  response = { address: '127.0.0.2', family: 4 };
  clock.advance(5_000);
  // This line goes to the last address and starts a lookup of the name.
  sender.send(line('c'));
  await vi.waitFor(() => expect(first.messages).toHaveLength(3));
  sender.send(line('d'));
  await vi.waitFor(() => expect(second.messages).toMatchObject([{ short_message: 'd' }]));
  expect(sender.dropped).toBe(0);
});

test('lines that the network refuses are counted', async () => {
  // An IPv6 socket cannot send to an IPv4 address.
  const { sender, log } = trial({
    port: 9,
    host: 'graylog',
    resolve: async () => ({ address: '192.0.2.1', family: 6 }),
  });
  sender.send(line('one'));
  await vi.waitFor(() => expect(sender.dropped).toBe(1));
  expect(log.lines).toMatchObject([{ level: 'error', fields: { lost: 1 } }]);
});
