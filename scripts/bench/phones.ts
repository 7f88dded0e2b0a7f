// Phones that pair, as a process of the load. Used by the benches.

import type { Lab } from './lab.ts';
import type { Child } from './processes.ts';

export interface PairingResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly failed: number;
  /** The last failure's message. */
  readonly failure: string;
  /** Milliseconds of a whole pairing. */
  readonly p50: number;
  readonly p99: number;
}

export interface Phones {
  readonly child: Child;
  /** Pairs for so long; `users` in turn. */
  pair(seconds: number, users: readonly string[]): Promise<PairingResult>;
}

export async function startPhones(lab: Lab, gateway: string): Promise<Phones> {
  const child = lab.startScript('load', 'phones', [gateway]);
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
