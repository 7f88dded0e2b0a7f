// The modes of the NAS stub: what it simulates. Used by nas.ts.

import { randomBytes } from 'node:crypto';

export const nasModes = [
  'normal',
  'slow',
  'refuse',
  'ignore',
  'hang',
  'duplicate',
  'reorder',
  'forge',
  'garbage',
] as const;

/**
 * What the stub simulates:
 * - `normal`: a working NAS; `slow`: the same after `ms`; `duplicate`: the same, each answer twice
 * - `reorder`: the answer is sent after the next one
 * - `ignore`: an ACK, but the session continues, with an Interim-Update where the stub sends accounting
 * - `refuse`: a NAK with the configured Error-Cause
 * - `hang`: no answer; `forge`: an answer that another secret has made; `garbage`: bytes that are not a packet
 */
export type NasMode = (typeof nasModes)[number];

export interface Reply {
  /** Executes the request. @returns the answer */
  normal(): Buffer;
  /** @returns a NAK */
  refusal(): Buffer;
  /** @returns an ACK, without executing the request */
  ignored(): Buffer;
  send(bytes: Buffer): void;
  /** Sends it after the next other answer. */
  hold(bytes: Buffer): void;
}

interface Simulation {
  readonly ms: number;
  after(ms: number, fn: () => void): void;
  readonly identifier: number;
}

export function respondInNasMode(mode: NasMode, reply: Reply, { ms, after, identifier }: Simulation): void {
  switch (mode) {
    case 'normal':
      return reply.send(reply.normal());
    case 'slow':
      after(ms, () => reply.send(reply.normal()));
      return;
    case 'refuse':
      return reply.send(reply.refusal());
    case 'ignore':
      return reply.send(reply.ignored());
    case 'hang':
      return;
    case 'duplicate': {
      const answer = reply.normal();
      reply.send(answer);
      return reply.send(answer);
    }
    case 'reorder':
      return reply.hold(reply.normal());
    case 'forge': {
      // The code of a Disconnect-ACK, the identifier of the request, and random authenticators.
      const forged = Buffer.concat([Buffer.from([41, identifier, 0, 20]), randomBytes(16)]);
      return reply.send(forged);
    }
    case 'garbage':
      return reply.send(randomBytes(37));
  }
}
