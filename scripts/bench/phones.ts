// Phones that pair, in a load process. Used by the benchmarks.

import type { BenchEnvironment } from './environment.ts';
import type { Child } from './processes.ts';

export interface PairingResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly failed: number;
  /** The message of the last failure. */
  readonly failure: string;
  /** Milliseconds of a complete pairing. */
  readonly p50: number;
  readonly p99: number;
}

export interface Phones {
  readonly child: Child;
  /** Pairs `users` in turn for that time. */
  pair(seconds: number, users: readonly string[]): Promise<PairingResult>;
}

/** Phones that pair at the same time, unless a benchmark says otherwise. */
export const phonesAtOnce = 16;

export async function startPhones(
  environment: BenchEnvironment,
  gateway: string,
  concurrency = phonesAtOnce,
): Promise<Phones> {
  const child = environment.startScript('load', 'phones', [gateway, String(concurrency)]);
  await child.nextLine();
  return {
    child,
    pair: async (seconds, users) => {
      child.tell(JSON.stringify({ seconds, users }));
      return JSON.parse(await child.nextLine());
    },
  };
}

export function failuresOf(rounds: readonly PairingResult[]): string[] {
  return rounds.flatMap(({ failed, requests, failure }) =>
    failed > 0 || requests === 0 ? [`${failed} of ${requests} pairings failed: ${failure}`] : [],
  );
}
