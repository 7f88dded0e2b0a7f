// The real disconnect service in this process, with a PCRF stub that counts calls, a fake clock, and handmade tokens.
// Stops everything when the test ends.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, vi } from 'vitest';
import { startServices } from '../../src/app/compose/start.ts';
import { createLifecycle } from '../../src/app/lifecycle.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { LoadSample } from '../../src/http/overload-guard.ts';
import { type RunningPcrfStub, startPcrfStub } from '../../src/stubs/pcrf.ts';
import { publicPem, rs256, sampleClaims, sampleTime } from '../crypto/token-builder.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { temporaryFolder } from './folders.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';
import { type ConfiguredNas, startNas } from './nas.ts';
import { get, type TextResponse } from './phone.ts';
import { onEnd } from './teardown.ts';

export interface DisconnectService {
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
  /** With the backend radius. */
  readonly nas: ConfiguredNas | undefined;
  /** Names a session of its backend. */
  readonly goodToken: string;
  /** Requests that the stubs have received, of any kind. */
  calls(): number;
  stop(): Promise<void>;
}

/** The backends for which the rows of docs/protocol.md hold. */
export const backends = ['pcrf', 'radius'] as const;

export interface DisconnectOptions {
  /** What ends sessions; the PCRF by default. */
  readonly backend?: (typeof backends)[number];
  /** `section.key=value` each. */
  readonly set?: readonly string[];
  /** Content of the key file; null for no file. */
  readonly key?: string | null;
  /** The port of a PCRF other than the stub. */
  readonly pcrfPort?: number;
  /** Overrides the measured state of the process. */
  readonly sample?: () => LoadSample;
}

/** Rejects as the service does when it cannot start. */
export async function startDisconnect(options: DisconnectOptions = {}): Promise<DisconnectService> {
  const { set = [], key = publicPem, backend = 'pcrf' } = options;
  const folder = temporaryFolder();
  const clock = createFakeClock(sampleTime);
  const log = createMemoryLog();
  const lifecycle = createLifecycle(log, clock);
  const pcrf = await startPcrfStub({ host: '127.0.0.1', port: 0, clock });
  onEnd(() => pcrf.close());
  const nas = backend === 'radius' ? await startNas({ clock }) : undefined;
  // The stub stops first, so that running calls end.
  onEnd(async () => {
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
    setOptions: [
      'disconnect.host=127.0.0.1',
      'store.url=memory:',
      `security.admin_token_filepath=${join(folder, 'admin.token')}`,
      'disconnect.port=0',
      'pcrf.host=127.0.0.1',
      `pcrf.port=${port}`,
      `validation.public_key=${keyFile}`,
      // On a fake clock its timer measures nothing.
      ...(options.sample ? [] : ['overload.max_event_loop_delay=0s', 'overload.max_memory=off']),
      ...(nas?.set ?? []),
      ...set,
    ],
  });
  const { sample } = options;
  const context = { clock, log, lifecycle, version: 'test', ...(sample && { sample }) };
  const endpoints = await startServices(config, new Set(['disconnect']), context);
  return {
    url: endpoints.disconnect?.url ?? '',
    clock,
    log,
    folder,
    keyFile,
    pcrf,
    pcrfName: `the PCRF at ${config.pcrf.host}:${port}`,
    nas,
    goodToken: nas ? localTokenWith() : goodToken,
    calls: () => pcrf.requests().length + (nas?.stub.journal.all().length ?? 0),
    stop: () => lifecycle.stop(),
  };
}

/** The sample token with other claims; different ones for different `claims`. */
export const tokenWith = (claims: object = {}): string => rs256({ ...sampleClaims, ...claims });

export const goodToken = tokenWith();

/** Of a session at a NAS of this machine: RADIUS packets go to nasIp. */
export const localClaims = { ...sampleClaims, nasIp: '127.0.0.1' };

export const localTokenWith = (claims: object = {}): string => rs256({ ...localClaims, ...claims });

/** The documented request. */
export function requestDisconnect(
  service: Pick<DisconnectService, 'url'>,
  token: string,
  init?: RequestInit,
): Promise<TextResponse> {
  return get(`${service.url}/disconnect?token=${encodeURIComponent(token)}`, init);
}

export const success = '{"success":true}';

/** By RADIUS. */
export const partialSuccess = '{"success":true,"not_done":["the MAC address was not removed from the NAS"]}';

/** The default error code for a status. */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'BAD_INPUT',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  405: 'METHOD_NOT_ALLOWED',
  413: 'TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA',
  429: 'LIMITED',
  502: 'UPSTREAM',
  503: 'UNAVAILABLE',
  504: 'TIMEOUT',
};

export function failure(status: number, fail: string, code?: ErrorCode): string {
  const usual = fail === 'no token' ? 'NO_TOKEN' : codes[status];
  return JSON.stringify({ success: false, fail, code: code ?? usual });
}

/** Expects exactly this failure. */
export function expectFailure(response: TextResponse, status: number, fail: string, code?: ErrorCode): void {
  expect([response.status, response.text]).toEqual([status, failure(status, fail, code)]);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
}

/** Expects this refusal of the token, and no request to a backend. */
export async function expectRefused(
  service: DisconnectService,
  token: string,
  faults: string,
): Promise<void> {
  const before = service.calls();
  expectFailure(await requestDisconnect(service, token), 401, `token refused: ${faults}`);
  expect(service.calls()).toBe(before);
  expectNoTrace(service, token);
}

/** Expects that the next valid request succeeds. */
export async function expectService(service: DisconnectService, token = service.goodToken): Promise<void> {
  const before = service.calls();
  const { status, text } = await requestDisconnect(service, token);
  expect([status, text]).toEqual([200, service.nas ? partialSuccess : success]);
  expect(service.calls()).toBe(before + 1);
  expectNoTrace(service, token);
}

/** Expects neither the token nor a part of it in the log. */
export function expectNoTrace({ log }: Pick<DisconnectService, 'log'>, token: string): void {
  const written = inspect(log.lines, { depth: null, maxStringLength: null, maxArrayLength: null });
  for (const secret of secretsOf(token)) expect(written).not.toContain(secret);
}

/** The token and its parts, except short ones, which occur in any text. */
export function secretsOf(token: string): string[] {
  return [token, ...token.split('.')].filter((part) => part.length >= 16);
}

/** Lets the service poll its key file until the check holds. */
export async function untilKeyChangeNoticed({ clock }: DisconnectService, check: () => void): Promise<void> {
  await vi.waitFor(
    () => {
      clock.advance(2_000);
      check();
    },
    { timeout: 10_000, interval: 10 },
  );
}
