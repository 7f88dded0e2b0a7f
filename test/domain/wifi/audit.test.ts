// The audit trail when its store is slow, fails, or is flooded.

import { expect, test } from 'vitest';
import { auditDisconnects } from '../../../src/domain/wifi/audit.ts';
import type { DisconnectRecord } from '../../../src/domain/wifi/audit-model.ts';
import type { DisconnectOutcome } from '../../../src/domain/wifi/disconnects.ts';
import { SwobError } from '../../../src/errors.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

const done: DisconnectOutcome = { kind: 'disconnected', reports: [] };

function audited(add: (record: DisconnectRecord) => Promise<void>, disconnect = async () => done) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const counts = { stored: 0, failed: 0, dropped: 0 };
  const store = { add, get: async () => undefined, list: async () => ({ records: [] }) };
  const disconnects = auditDisconnects(
    { disconnect },
    { store, clock, log, newSuffix: () => '0000000a', count: (outcome) => counts[outcome]++ },
  );
  const context = { address: '192.0.2.1', requestId: 'r1', log, isAborted: () => false };
  return { clock, log, counts, context, disconnects };
}

test('the response waits for the record, but no longer than a second', async () => {
  let stored = (): void => {};
  const { clock, context, counts, disconnects } = audited(
    () =>
      new Promise((resolve) => {
        stored = resolve;
      }),
  );
  const settled: string[] = [];
  const first = disconnects.disconnect('a', context).then(() => settled.push('first'));
  await new Promise(setImmediate);
  expect(settled).toEqual([]);
  stored();
  await first;
  expect(counts.stored).toBe(1);
  const second = disconnects.disconnect('b', context).then(() => settled.push('second'));
  await new Promise(setImmediate);
  clock.advance(999);
  await new Promise(setImmediate);
  expect(settled).toEqual(['first']);
  clock.advance(1);
  await second;
});

test('a store that fails fails no disconnect, and is logged once in ten seconds', async () => {
  const { clock, context, counts, disconnects, log } = audited(async () => {
    throw new SwobError('UNAVAILABLE', 'the disk is full');
  });
  for (let n = 0; n < 3; n++) expect(await disconnects.disconnect('a', context)).toEqual(done);
  clock.advance(10_000);
  await disconnects.disconnect('a', context);
  expect(counts.failed).toBe(4);
  expect(log.lines.map(({ fields }) => fields)).toEqual([
    { reason: 'the disk is full' },
    { reason: 'the disk is full' },
  ]);
});

test('a flood of refused requests waits for no write, and leaves room for others', async () => {
  const added: string[] = [];
  const refuse = { now: true };
  const { context, counts, disconnects } = audited(
    (record) => {
      added.push(record.outcome);
      return new Promise(() => {});
    },
    async () => {
      if (refuse.now) throw new SwobError('UNAUTHENTICATED', 'token refused');
      return done;
    },
  );
  for (let n = 0; n < 1_500; n++)
    await expect(disconnects.disconnect('a', context)).rejects.toThrow('refused');
  expect([added.length, counts.dropped]).toEqual([1_000, 500]);
  refuse.now = false;
  void disconnects.disconnect('b', context);
  await new Promise(setImmediate);
  expect(added.at(-1)).toBe('disconnected');
});

test('errors become outcomes', async () => {
  const records: DisconnectRecord[] = [];
  for (const [code, outcome] of [
    ['UNAUTHENTICATED', 'refused'],
    ['LIMITED', 'limited'],
    ['UNAVAILABLE', 'failed'],
  ] as const) {
    const { context, disconnects } = audited(
      async (record) => void records.push(record),
      async () => {
        throw new SwobError(code, 'why');
      },
    );
    await expect(disconnects.disconnect('a', context)).rejects.toThrow('why');
    expect(records.at(-1)).toMatchObject({ outcome, reason: 'why', requestId: 'r1', address: '192.0.2.1' });
  }
});
