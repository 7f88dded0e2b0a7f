// The last lines of the log in memory: bounded, redacted, and with a level that returns by itself.

import { expect, test } from 'vitest';
import { createLogs } from '../../../src/app/logging/logs.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { onEnd } from '../../support/teardown.ts';

function start(setOptions: readonly string[] = []) {
  const clock = createFakeClock();
  const written: string[] = [];
  const logs = createLogs({
    settings: loadConfig({ files: [], env: {}, setOptions }).config.logging,
    services: new Set(['gateway']),
    stderr: { write: (line) => written.push(line) },
    pretty: false,
    colours: false,
    clock,
  });
  onEnd(() => logs.close());
  const messages = (level: 'debug' | 'info' | 'warn' | 'error' = 'debug') =>
    logs.tail.read(level, 1_000).map(({ message }) => message);
  return { clock, written, logs, messages };
}

test('has the last lines, the newest first, with their fields and without secrets', () => {
  const { logs, messages } = start();
  logs.log.info({}, 'first');
  logs.logFor('gateway').warn({ port: 1, token: 'secret' }, 'second');
  expect(messages()).toEqual(['second', 'first']);
  expect(messages('warn')).toEqual(['second']);
  const [line] = logs.tail.read('debug', 1);
  expect(line).toMatchObject({
    level: 'warn',
    service: 'gateway',
    fields: '{"port":1,"token":"[Redacted]"}',
  });
});

test('debug lines appear for a time, and not on stderr', () => {
  const { clock, logs, messages, written } = start();
  logs.log.debug({}, 'before');
  logs.tail.lowerLevel('debug', 60_000);
  expect(logs.tail.lowered).toEqual({ level: 'debug', until: clock.now() + 60_000 });
  logs.log.debug({}, 'meanwhile');
  logs.setLevels({ level: 'warn', gelfLevel: 'off' });
  logs.log.debug({}, 'with another level');
  clock.advance(60_000);
  logs.log.debug({}, 'after');
  expect(messages()).toEqual(['with another level', 'meanwhile']);
  expect(logs.tail.lowered).toBeUndefined();
  expect(written).toEqual([]);
});

test('a level that was set keeps no timer running after the end', async () => {
  const { clock, logs } = start();
  logs.tail.lowerLevel('debug', 60_000);
  await logs.close();
  expect(clock.pendingTimeouts).toBe(0);
  expect(logs.tail.lowered).toBeUndefined();
});

test('is bounded in lines and in characters, and numbers lines from the first', () => {
  const { logs } = start();
  for (let line = 0; line < 1_000; line++) logs.log.info({}, `line ${line}`);
  const lines = logs.tail.read('debug', 1_000);
  expect(lines).toHaveLength(500);
  expect(lines[0]).toMatchObject({ number: 999, message: 'line 999' });
  for (let line = 0; line < 100; line++) logs.log.info({ long: 'x'.repeat(10_000) }, 'long');
  const long = logs.tail.read('debug', 1_000);
  expect(long.length).toBeLessThan(30);
  expect(long.every(({ message }) => message === 'long')).toBe(true);
});
