// A client of the PCRF for tests, and what its calls fail with.

import { expect, onTestFinished } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { WifiSession } from '../../src/domain/model.ts';
import type { Clock } from '../../src/domain/ports.ts';
import type { Pcrf } from '../../src/domain/upstreams.ts';
import { SwobError } from '../../src/errors.ts';
import { createPcrf } from '../../src/upstream/pcrf.ts';
import { createMemoryLog } from '../support/log.ts';

export const session: WifiSession = {
  sessionId: '5692549928996307964',
  nasIp: '100.112.0.1',
  vrf: '1',
  clientMac: 'FC-45-96-5F-50-AC',
};

export interface ClientOptions {
  readonly port: number;
  readonly host?: string;
  readonly clock?: Clock;
  readonly timeoutMs?: number;
  readonly min?: number;
  readonly max?: number;
  readonly waitTimeoutMs?: number;
}

export function createClient(options: ClientOptions): Pcrf & { log: ReturnType<typeof createMemoryLog> } {
  const { port, host = '127.0.0.1', clock = systemClock, timeoutMs = 10_000 } = options;
  const { min = 0, max = 4, waitTimeoutMs = 5_000 } = options;
  const log = createMemoryLog();
  const pcrf = createPcrf({ host, port, timeoutMs, pool: { min, max, waitTimeoutMs }, clock, log });
  onTestFinished(() => pcrf.close());
  return { ...pcrf, log };
}

export async function failureOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await promise.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SwobError);
  return error instanceof SwobError
    ? { code: error.code, message: error.message }
    : { code: '', message: '' };
}

export function portOf(url: string): number {
  return Number(new URL(url).port);
}
