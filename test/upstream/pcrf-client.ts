// A client of the PCRF for tests, and the failures of its calls.

import { expect, onTestFinished } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import type { WifiSession } from '../../src/domain/wifi/model.ts';
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

export function createClient(options: ClientOptions) {
  const { port, host = '127.0.0.1', clock = systemClock, timeoutMs = 10_000 } = options;
  const { min = 0, max = 4, waitTimeoutMs = 5_000 } = options;
  const log = createMemoryLog();
  const pcrf = createPcrf({ host, port, timeoutMs, pool: { min, max, waitTimeoutMs }, clock, log });
  onTestFinished(async () => void (await pcrf.close()));
  /** Disconnects, and expects success. */
  const succeed = async (which: WifiSession): Promise<void> =>
    expect(await pcrf.disconnect(which)).toEqual({ kind: 'disconnected' });
  return { ...pcrf, succeed, log };
}

/** The failure that a call results in; fails when it succeeded. */
export async function failureOf<Result extends { readonly kind: string; readonly reason?: string }>(
  result: Promise<Result>,
): Promise<{ kind: string; reason: string }> {
  const { kind, reason } = await result;
  expect(reason).toBeTypeOf('string');
  return { kind, reason: reason ?? '' };
}

export function portOf(url: string): number {
  return Number(new URL(url).port);
}
