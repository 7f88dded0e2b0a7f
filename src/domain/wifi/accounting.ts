// What the accounting of the NAS says about sessions: whether one has ended or continues. Used by the RADIUS accounting server, and
// to verify disconnects.

import { networkKey, parseNetwork } from '../../lib/networks.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { Clock } from '../shared/ports.ts';
import type { WifiSession } from './model.ts';
import type { SessionVerifier, Verdict } from './verification.ts';

/** An Accounting-Request about a session (RFC 2866). */
export interface AccountingEvent {
  readonly status: 'start' | 'interim' | 'stop';
  /** Acct-Session-Id. */
  readonly sessionId: string;
  /** Calling-Station-Id in any spelling. */
  readonly mac?: string;
  /** The NAS: where the packet came from, and its NAS-IP-Address. */
  readonly addresses: readonly string[];
}

interface AccountingOptions {
  /** Milliseconds to wait for a Stop. */
  readonly withinMs: number;
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
}

export interface AccountingVerifier extends SessionVerifier {
  record(event: AccountingEvent): void;
  /** Ends all waits. */
  close(): void;
}

/** Events that are kept, so that a Stop counts that came before the answer of the NAS; the oldest are evicted. */
const maxEvents = 10_000;
const keptMs = 60_000;

/**
 * A session is gone once its Stop has come. It is present when, after the disconnect was accepted, the NAS reported that it
 * continues, and no Stop followed in time.
 */
export function createAccountingVerifier({ withinMs, clock }: AccountingOptions): AccountingVerifier {
  const latest = createTtlCache<AccountingEvent>(clock, keptMs, maxEvents);
  const waiting = new Map<string, Set<(event: AccountingEvent) => void>>();
  const waits = new Set<() => void>();

  return {
    record: (event) => {
      for (const address of new Set(event.addresses)) {
        const key = keyOf(address, event.sessionId);
        // An update that is late, or sent again, does not bring a session back; a new start does.
        const isLate = event.status === 'interim' && latest.get(key)?.status === 'stop';
        if (!isLate) latest.set(key, event);
        for (const notify of [...(waiting.get(key) ?? [])]) notify(event);
      }
    },
    verify: (session) =>
      new Promise((resolve) => {
        const key = keyOf(session.nasIp, session.sessionId);
        const known = latest.get(key);
        if (known?.status === 'stop' && isOf(session, known)) return resolve('gone');
        const listeners = waiting.get(key) ?? new Set();
        let verdict: Verdict = 'unknown';
        const end = (): void => {
          cancel();
          waits.delete(end);
          listeners.delete(notify);
          if (listeners.size === 0) waiting.delete(key);
          resolve(verdict);
        };
        const notify = (event: AccountingEvent): void => {
          if (!isOf(session, event)) return;
          verdict = event.status === 'stop' ? 'gone' : 'present';
          if (verdict === 'gone') end();
        };
        const cancel = clock.after(withinMs, end);
        waits.add(end);
        waiting.set(key, listeners.add(notify));
      }),
    close: () => {
      for (const end of [...waits]) end();
    },
  };
}

/** The same for every spelling of an address: that of a token is the portal's. */
function keyOf(nasIp: string, sessionId: string): string {
  const address = parseNetwork(nasIp);
  return `${address ? networkKey(address) : nasIp} ${sessionId}`;
}

/** A NAS may use an id again, after a restart, for another device. */
function isOf({ clientMac }: WifiSession, { mac }: AccountingEvent): boolean {
  return mac === undefined || hexDigits(mac) === hexDigits(clientMac);
}

function hexDigits(mac: string): string {
  return mac.replace(/[^0-9a-f]/gi, '').toLowerCase();
}
