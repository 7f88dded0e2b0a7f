// The real disconnect service in this process, with the PCRF stand-in that counts its calls, a clock that the
// test moves, and tokens that are made by hand. Stops everything when the test ends.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, vi } from 'vitest';
import { startServices } from '../../src/app/compose/start.ts';
import { createLifecycle } from '../../src/app/lifecycle.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Sample } from '../../src/http/pressure.ts';
import { type RunningPcrfStub, startPcrfStub } from '../../src/stubs/pcrf.ts';
import { publicPem, rs256, sampleClaims, sampleTime } from '../crypto/handmade-token.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { temporaryFolder } from './folders.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';
import { type Answer, get } from './phone.ts';

export interface DisconnectWorld {
  /** e.g. `http://127.0.0.1:40003` */
  readonly url: string;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  readonly folder: string;
  /** The public key that it was started with. */
  readonly keyFile: string;
  readonly pcrf: RunningPcrfStub;
  /** As messages name it: `the PCRF at 127.0.0.1:40004`. */
  readonly pcrfName: string;
  /** Calls that the PCRF has had. */
  calls(): number;
  stop(): Promise<void>;
}

export interface DisconnectOptions {
  /** `section.key=value` each. */
  readonly set?: readonly string[];
  /** What stands in the key file; null for no file. */
  readonly key?: string | null;
  /** Another PCRF than the stand-in. */
  readonly pcrfPort?: number;
  /** How the process is said to be doing, in place of what is measured. */
  readonly sample?: () => Sample;
}

/** Rejects as the service does when it cannot start. */
export async function startDisconnect(options: DisconnectOptions = {}): Promise<DisconnectWorld> {
  const { set = [], key = publicPem } = options;
  const folder = temporaryFolder();
  const clock = createFakeClock(sampleTime);
  const log = createMemoryLog();
  const lifecycle = createLifecycle(log);
  const pcrf = await startPcrfStub({ host: '127.0.0.1', port: 0, clock });
  onTestFinished(() => pcrf.close());
  // The stand-in goes first: a call that still runs has nothing to wait for then.
  onTestFinished(async () => {
    await pcrf.close();
    await lifecycle.stop();
  });
  const keyFile = join(folder, 'public.pem');
  if (key !== null) writeFileSync(keyFile, key, { mode: 0o440 });
  const conf = join(folder, 'conf.ini');
  writeFileSync(conf, '');
  const port = options.pcrfPort ?? Number(new URL(pcrf.url).port);
  const { config } = loadConfig({
    files: [conf],
    env: {},
    overrides: [
      'disconnect.host=127.0.0.1',
      'disconnect.port=0',
      'pcrf.host=127.0.0.1',
      `pcrf.port=${port}`,
      `validation.public_key=${keyFile}`,
      // Its timer runs while there is work: on a clock that the test moves it measures nothing.
      ...(options.sample ? [] : ['overload.max_event_loop_delay=0s', 'overload.max_memory=off']),
      ...set,
    ],
  });
  const { sample } = options;
  const world = { clock, log, lifecycle, version: 'test', ...(sample && { sample }) };
  const endpoints = await startServices(config, new Set(['disconnect']), world);
  return {
    url: endpoints.disconnect?.url ?? '',
    clock,
    log,
    folder,
    keyFile,
    pcrf,
    pcrfName: `the PCRF at ${config.pcrf.host}:${port}`,
    calls: () => pcrf.requests().length,
    stop: () => lifecycle.stop(),
  };
}

/** The sample token with other claims; different ones for different `claims`. */
export const tokenWith = (claims: object = {}): string => rs256({ ...sampleClaims, ...claims });

export const goodToken = tokenWith();

/** The documented request. */
export function ask(world: Pick<DisconnectWorld, 'url'>, token: string, init?: RequestInit): Promise<Answer> {
  return get(`${world.url}/disconnect?token=${encodeURIComponent(token)}`, init);
}

export const success = '{"success":true}';
export const failure = (fail: string): string => JSON.stringify({ success: false, fail });

/** The answer is exactly this failure. */
export function expectFailure(answer: Answer, status: number, fail: string): void {
  expect([answer.status, answer.text]).toEqual([status, failure(fail)]);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
}

/** The token is refused in these words, and the PCRF hears nothing of it. */
export async function expectRefused(world: DisconnectWorld, token: string, faults: string): Promise<void> {
  const before = world.calls();
  expectFailure(await ask(world, token), 401, `token refused: ${faults}`);
  expect(world.calls()).toBe(before);
  expectNoTrace(world, token);
}

/** The next good request works. */
export async function expectService(world: DisconnectWorld, token = goodToken): Promise<void> {
  const before = world.calls();
  const { status, text } = await ask(world, token);
  expect([status, text]).toEqual([200, success]);
  expect(world.calls()).toBe(before + 1);
  expectNoTrace(world, token);
}

/** Neither the token nor a part of it stands in the log. */
export function expectNoTrace({ log }: Pick<DisconnectWorld, 'log'>, token: string): void {
  const written = inspect(log.lines, { depth: null, maxStringLength: null, maxArrayLength: null });
  for (const secret of secretsOf(token)) expect(written).not.toContain(secret);
}

/** The token and its parts; what is short stands in every text. */
export function secretsOf(token: string): string[] {
  return [token, ...token.split('.')].filter((part) => part.length >= 16);
}

/**
 * Lets the service take note of a change of its key file: time goes on only when a change was reported, so
 * that it is not the look at intervals that finds it.
 */
export async function noticed({ clock }: DisconnectWorld, quiet: number, check: () => void): Promise<void> {
  await vi.waitFor(
    () => {
      if (clock.pending > quiet) clock.advance(200);
      check();
    },
    { timeout: 10_000, interval: 10 },
  );
}
