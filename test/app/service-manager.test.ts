// What systemd is told and when, by a stand-in for systemd-notify that writes its words down.

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createServiceManager } from '../../src/app/service-manager.ts';
import { serviceManagerVariables } from '../../src/config/environment.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';

/** A manager for `/run/x` with a watchdog of 10 s, and the calls that its program has had. */
function create(body = '') {
  const folder = temporaryFolder();
  const [program, calls] = [join(folder, 'systemd-notify'), join(folder, 'calls')];
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>${calls}\n${body}\n`);
  chmodSync(program, 0o755);
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  const variables = { notifySocket: '/run/x', watchdogMs: 10_000 };
  const manager = createServiceManager(variables, { clock, log }, program);
  const said = (): string[] => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);
  return { manager, clock, log, said, variables };
}

test('ready, a sign of life every half watchdog, stopping, and then nothing', async () => {
  const { manager, clock, said, log } = create();
  await manager.ready('http://here');
  expect(said()).toEqual(['/run/x READY=1 STATUS=http://here']);
  clock.advance(4_999);
  expect(said()).toHaveLength(1);
  for (const count of [2, 3]) {
    // A program that has said its word has not ended yet, and a tick meanwhile is left out.
    await vi.waitFor(() => {
      if (said().length < count) clock.advance(5_000);
      expect(said()).toHaveLength(count);
    });
    expect(said().at(-1)).toBe('/run/x WATCHDOG=1');
  }
  await manager.stopping();
  expect(said().at(-1)).toBe('/run/x STOPPING=1 STATUS=stopping');
  expect(clock.pending).toBe(0);
  expect(log.lines).toEqual([]);
});

test('no second sign of life while the first is still being given', async () => {
  const folder = temporaryFolder();
  const gate = join(folder, 'gate');
  const { manager, clock, said } = create(
    `case $1 in WATCHDOG*) until [ -e ${gate} ]; do sleep 0.02; done;; esac`,
  );
  await manager.ready('');
  clock.advance(30_000);
  await vi.waitFor(() => expect(said()).toHaveLength(2));
  writeFileSync(gate, '');
  await vi.waitFor(() => {
    clock.advance(5_000);
    expect(said().length).toBeGreaterThan(2);
  });
});

test('a missing systemd-notify, or one that fails, is told once and keeps nobody', async () => {
  const { clock, log, variables } = create();
  const missing = createServiceManager(variables, { clock, log }, '/nowhere/systemd-notify');
  await missing.ready('');
  clock.advance(60_000);
  await missing.stopping();
  expect(log.lines).toMatchObject([
    { level: 'error', message: expect.stringContaining('systemd-notify is not installed') },
  ]);
  const failing = create('exit 1');
  await failing.manager.ready('');
  await failing.manager.stopping();
  expect(failing.log.lines).toMatchObject([
    { level: 'error', message: expect.stringContaining('systemd could not be told') },
  ]);
});

test('without a socket nothing is run, not even a timer', async () => {
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  const variables = { notifySocket: undefined, watchdogMs: 10_000 };
  const manager = createServiceManager(variables, { clock, log }, '/nowhere/systemd-notify');
  await manager.ready('');
  await manager.stopping();
  expect([log.lines, clock.pending]).toEqual([[], 0]);
});

test.each([
  [{}, undefined, undefined],
  [{ NOTIFY_SOCKET: '' }, undefined, undefined],
  [{ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '30000000' }, '@x', 30_000],
  [{ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, '/x', 30_000],
  [{ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, '/x', undefined],
  [{ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: 'soon' }, '/x', undefined],
  [{ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '0' }, '/x', undefined],
])('process 7 reads %j', (env, notifySocket, watchdogMs) => {
  expect(serviceManagerVariables(env, 7)).toEqual({ notifySocket, watchdogMs });
});
