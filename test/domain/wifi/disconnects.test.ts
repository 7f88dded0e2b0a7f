// Disconnects of one token by two processes that share a store, and the error that a client gets for each failure.

import { beforeEach, expect, test } from 'vitest';
import type { LeaseStore } from '../../../src/domain/shared/ports.ts';
import {
  createDisconnects,
  disconnectError,
  type Verification,
} from '../../../src/domain/wifi/disconnects.ts';
import type { BackendResult } from '../../../src/domain/wifi/ports.ts';
import { createMemoryLeases } from '../../../src/store/memory/leases.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { sampleClaims } from '../../crypto/token-builder.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

let clock: FakeClock;
beforeEach(() => {
  clock = createFakeClock();
});

const context = { address: '192.0.2.1', log: createMemoryLog(), isAborted: () => false };

function createProcess(
  disconnect: () => Promise<BackendResult>,
  leases: LeaseStore = createMemoryLeases(clock),
  verification?: Verification,
) {
  return createDisconnects({
    verifier: { verify: () => sampleClaims },
    backends: [{ name: 'pcrf', disconnect }],
    alreadyGone: 'failure',
    verification,
    rules: {},
    limits: createMemoryStore(storeOptions(clock)).limits,
    callLimit: { count: 100, windowMs: 60_000 },
    leases,
    clock,
    log: createMemoryLog(),
  });
}

test.each<BackendResult>([
  { kind: 'disconnected' },
  { kind: 'busy', reason: 'all 20 PCRF connections are busy' },
])('a process that waits for another one gets its outcome: $kind', async (result) => {
  const leases = createMemoryLeases(clock);
  let end: (result: BackendResult) => void = () => {};
  const running = new Promise<BackendResult>((resolve) => {
    end = resolve;
  });
  const first = createProcess(() => running, leases).disconnect('token', context);
  const second = createProcess(() => Promise.reject(new Error('called twice')), leases).disconnect(
    'token',
    context,
  );
  await new Promise(setImmediate);
  end(result);
  const reports = [{ ...result, backend: 'pcrf', attempts: result.kind === 'busy' ? 0 : 1, durationMs: 0 }];
  expect(await first).toMatchObject({ ...result, reports });
  clock.advance(20);
  expect(await second).toMatchObject({ ...result, reports });
});

test.each([
  ['gone', true, 'disconnected'],
  ['unknown', true, 'disconnected'],
  ['present', false, 'disconnected'],
  ['present', true, 'rejected'],
] as const)(
  'a session that is %s after the disconnect, which must be seen (%s), is %s',
  async (verified, required, kind) => {
    const leases = createMemoryLeases(clock);
    let end = (): void => {};
    const verify = () =>
      new Promise<typeof verified>((resolve) => {
        end = () => resolve(verified);
      });
    const process = createProcess(async () => ({ kind: 'disconnected' }), leases, { required, verify });
    const first = process.disconnect('token', context);
    const second = createProcess(unused, leases).disconnect('token', context);
    await new Promise(setImmediate);
    end();
    expect(await first).toMatchObject({ kind, verified });
    clock.advance(20);
    expect(await second).toMatchObject({ kind, verified });
  },
);

test('what a backend did not accept is not verified', async () => {
  const verification = { required: true, verify: unused };
  const process = createProcess(async () => ({ kind: 'busy', reason: 'x' }), undefined, verification);
  expect(await process.disconnect('token', context)).not.toHaveProperty('verified');
});

function unused(): Promise<never> {
  return Promise.reject(new Error('called'));
}

test('concurrent disconnects are bounded while their leases are being acquired', async () => {
  const leases: LeaseStore = { ...createMemoryLeases(clock), acquireCounted: () => new Promise(() => {}) };
  const process = createProcess(unused, leases);
  for (let count = 0; count < 10_000; count++) void process.disconnect(`token ${count}`, context);
  expect(await process.disconnect('one more', context)).toMatchObject({ kind: 'overloaded' });
});

test('a malformed outcome of another process is an internal error', async () => {
  const leases = createMemoryLeases(clock);
  const waiting = createProcess(() => Promise.reject(new Error('called twice')), {
    ...leases,
    acquire: async () => ({ leaseId: '0', acquired: false }),
    poll: async () => ({ outcome: JSON.stringify({ value: { kind: 'toString', reason: '', reports: [] } }) }),
  });
  await expect(waiting.disconnect('token', context)).rejects.toMatchObject({ code: 'INTERNAL' });
});

test.each([
  ['rejected', 502, undefined],
  ['unreachable', 502, undefined],
  ['invalid response', 502, undefined],
  ['timeout', 504, undefined],
  ['busy', 503, undefined],
  ['stopping', 503, undefined],
  ['bad session', 400, undefined],
  ['overloaded', 503, 1],
] as const)('%s is answered %d', (kind, httpStatus, retryAfter) => {
  const message = 'the reason';
  expect(disconnectError({ kind, reason: message, reports: [] })).toMatchObject({
    message,
    httpStatus,
    retryAfter,
  });
});
