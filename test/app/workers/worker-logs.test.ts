// The log of a worker: lines share messages, warnings leave immediately, and a primary that does not read costs bounded memory.

import { expect, test } from 'vitest';
import type { LoggedLine } from '../../../src/app/workers/messages.ts';
import { createWorkerLogs } from '../../../src/app/workers/worker-logs.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function createLogs() {
  const sent: { readonly lines: readonly LoggedLine[]; readonly written: () => void }[] = [];
  let endTurn = (): void => {};
  const logs = createWorkerLogs({
    slot: 2,
    levels: { level: 'info', gelfLevel: 'off' },
    maxRepeats: 'off',
    clock: createFakeClock(),
    send: (lines, written) => void sent.push({ lines, written }),
    later: (work) => {
      endTurn = work;
    },
  });
  return { logs, sent, endTurn: () => endTurn() };
}

test('lines shortly after each other are one message, with their service and the worker', () => {
  const { logs, sent, endTurn } = createLogs();
  logs.log.info({}, 'one');
  logs.logFor('gateway').info({ requestId: 'x' }, 'two');
  logs.log.debug({}, 'below the level');
  expect(sent).toHaveLength(0);
  endTurn();
  expect(sent).toHaveLength(1);
  const [first, second] = sent[0]?.lines ?? [];
  expect(first?.[0]).toBeNull();
  expect(JSON.parse(first?.[1] ?? '')).toMatchObject({ level: 30, worker: 2, msg: 'one' });
  expect(second?.[0]).toBe('gateway');
  expect(JSON.parse(second?.[1] ?? '')).toMatchObject({ worker: 2, service: 'gateway', requestId: 'x' });
});

test('a warning leaves immediately, with the lines before it', () => {
  const { logs, sent } = createLogs();
  logs.log.info({}, 'before');
  logs.log.warn({}, 'now');
  expect(sent.map(({ lines }) => lines.length)).toEqual([2]);
});

test('lines are dropped and counted while the primary does not read, and sent again once it does', () => {
  const { logs, sent, endTurn } = createLogs();
  const text = 'x'.repeat(10_000);
  for (let count = 0; count < 600; count++) {
    logs.log.info({ text: undefined, n: count }, text);
    endTurn();
  }
  const length = sent.reduce(
    (sum, { lines }) => sum + lines.reduce((all, [, line]) => all + line.length, 0),
    0,
  );
  expect(length).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(logs.dropped()).toBe(600 - sent.length);
  expect(logs.dropped()).toBeGreaterThan(100);
  for (const { written } of sent.splice(0)) written();
  logs.log.info({}, 'again');
  endTurn();
  expect(sent).toHaveLength(1);
});

test('the last lines leave when the log is closed', () => {
  const { logs, sent } = createLogs();
  logs.log.info({}, 'last');
  logs.close();
  expect(sent).toHaveLength(1);
});

test('levels change, and the tail can be lower than the log', () => {
  const { logs, sent, endTurn } = createLogs();
  logs.setLevels({ level: 'error', gelfLevel: 'off' });
  logs.log.info({}, 'not sent');
  endTurn();
  expect(sent).toHaveLength(0);
  logs.setLevels({ level: 'debug', gelfLevel: 'off' });
  logs.log.debug({}, 'sent');
  endTurn();
  expect(sent).toHaveLength(1);
});
