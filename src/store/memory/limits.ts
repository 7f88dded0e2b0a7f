// Rate limits in memory, as fixed windows that their first event opens. Used by the memory and lowdb stores.

import { sha256Hex } from '../../crypto/random.ts';
import { type LimitKey, type LimitName, limitNameOf } from '../../domain/shared/limit-keys.ts';
import type { Clock, LimitStore } from '../../domain/shared/ports.ts';
import { createWindowTable, type WindowTable } from './limit-windows.ts';

/** Keys per limit; about 25 MB when every limit is full of the longest keys. */
export const maxKeys = 8_192;
/** Longer keys are replaced by their digest, which bounds the bytes of a table. */
const maxKeyLength = 96;

/** A window that another process can continue. */
interface WindowSnapshot {
  readonly name: LimitName;
  /** As the table stores it. */
  readonly key: string;
  readonly used: number;
  readonly isPinned: boolean;
  readonly remainingMs: number;
}

export interface MemoryLimits extends LimitStore {
  windowOf(key: LimitKey): WindowSnapshot | undefined;
  /** Must be called before anything is counted. */
  restore(window: WindowSnapshot): void;
}

/**
 * Measures by the monotonic clock. A refused event is not counted and does not extend the window. Each limit has its
 * own table, so flooding one evicts nothing from another.
 */
export function createMemoryLimits(clock: Pick<Clock, 'monotonic'>): MemoryLimits {
  const tables = new Map<LimitName, WindowTable>();
  const tableForName = (name: LimitName): WindowTable => {
    let table = tables.get(name);
    if (!table) {
      table = createWindowTable(maxKeys);
      tables.set(name, table);
    }
    return table;
  };
  const tableForKey = (key: LimitKey): WindowTable => tableForName(limitNameOf(key));
  const toSeconds = (ms: number): number => Math.ceil(ms / 1_000);

  const peek = (key: LimitKey, limit: { readonly count: number }): number => {
    const now = clock.monotonic();
    const window = tableForKey(key).find(boundedKey(key), now);
    return window && window.used >= limit.count ? toSeconds(window.endsAt - now) : 0;
  };

  return {
    peek: async (key, limit) => (limit === 'off' ? 0 : peek(key, limit)),
    peekLocal: (key, limit) => (limit === 'off' ? 0 : peek(key, limit)),
    consume: (key, limit, events = 1) =>
      limit === 'off'
        ? 0
        : toSeconds(tableForKey(key).consume(boundedKey(key), limit, events, clock.monotonic())),
    refund: async (key, limit, events = 1) => {
      if (limit !== 'off') tableForKey(key).refund(boundedKey(key), events, clock.monotonic());
    },
    persist: async () => {},
    windowOf: (key) => {
      const now = clock.monotonic();
      const window = tableForKey(key).find(boundedKey(key), now);
      if (!window) return undefined;
      const { used, isPinned, endsAt } = window;
      return {
        name: limitNameOf(key),
        key: boundedKey(key),
        used,
        isPinned,
        remainingMs: endsAt - now,
      };
    },
    restore: ({ name, key, used, isPinned, remainingMs }) =>
      tableForName(name).restore(key, { used, isPinned, endsAt: clock.monotonic() + remainingMs }),
  };
}

function boundedKey(key: string): string {
  return key.length <= maxKeyLength ? key : sha256Hex(Buffer.from(key));
}
