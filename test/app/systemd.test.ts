// What systemd is notified of and when, with a stub of systemd-notify that records its arguments.

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createSystemdNotifier } from '../../src/app/systemd.ts';
import { serviceManagerVariables } from '../../src/config/environment.ts';
import { createDeadline } from '../../src/lib/deadline.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';

/** A notifier for `/run/x` with a watchdog of 10 s, and the recorded calls. */
function create(body = '') {
  const folder = temporaryFolder();
  const [program, calls] = [join(folder, 'systemd-notify'), join(folder, 'calls')];
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>${calls}\n${body}\n`);
  chmodSync(program, 0o755);
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  const variables = { notifySocket: '/run/x', watchdogMs: 10_000 };
  const manager = createSystemdNotifier(variables, { clock, log }, program);
  const notifications = (): string[] =>
    existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
  return { manager, clock, log, notifications, variables };
}

test('notifies ready, alive every half watchdog interval, stopping, and then nothing', async () => {
  const { manager, clock, notifications, log } = create();
  await manager.ready('http://here');
  expect(notifications()).toEqual(['/run/x READY=1 STATUS=http://here']);
  clock.advance(4_999);
  expect(notifications()).toHaveLength(1);
  for (const count of [2, 3]) {
    // The notifying program may not have exited yet, and a tick meanwhile is skipped.
    await vi.waitFor(() => {
      if (notifications().length < count) clock.advance(5_000);
      expect(notifications()).toHaveLength(count);
    });
    expect(notifications().at(-1)).toBe('/run/x WATCHDOG=1');
  }
  await manager.stopping(createDeadline(clock, 1_000));
  expect(notifications().at(-1)).toBe('/run/x STOPPING=1 STATUS=stopping');
  expect(clock.pending).toBe(0);
  expect(log.lines).toEqual([]);
});

test('no second watchdog notification while the first is running', async () => {
  const folder = temporaryFolder();
  const gate = join(folder, 'gate');
  const { manager, clock, notifications } = create(
    `case $1 in WATCHDOG*) until [ -e ${gate} ]; do sleep 0.02; done;; esac`,
  );
  await manager.ready('');
  clock.advance(30_000);
  await vi.waitFor(() => expect(notifications()).toHaveLength(2));
  writeFileSync(gate, '');
  await vi.waitFor(() => {
    clock.advance(5_000);
    expect(notifications().length).toBeGreaterThan(2);
  });
});

test('a missing or failing systemd-notify is logged once and blocks nothing', async () => {
  const { clock, log, variables } = create();
  const missing = createSystemdNotifier(variables, { clock, log }, '/nowhere/systemd-notify');
  await missing.ready('');
  clock.advance(60_000);
  await missing.stopping(createDeadline(clock, 1_000));
  expect(log.lines).toMatchObject([
    { level: 'error', message: expect.stringContaining('systemd-notify is not installed') },
  ]);
  const failing = create('exit 1');
  await failing.manager.ready('');
  await failing.manager.stopping(createDeadline(clock, 1_000));
  expect(failing.log.lines).toMatchObject([
    { level: 'error', message: expect.stringContaining('systemd could not be notified') },
  ]);
});

test('without a socket no program and no timer runs', async () => {
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  const variables = { notifySocket: undefined, watchdogMs: 10_000 };
  const manager = createSystemdNotifier(variables, { clock, log }, '/nowhere/systemd-notify');
  await manager.ready('');
  await manager.stopping(createDeadline(clock, 1_000));
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
