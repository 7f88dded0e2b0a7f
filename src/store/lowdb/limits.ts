// Rate limits of the lowdb store: counted in memory, and for wrong guesses and outgoing SMS also on disk, so that a crash
// grants no new ones. docs/protocol.md, L9.

import { type LimitName, limitNames } from '../../domain/shared/limit-keys.ts';
import type { LimitStore } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import { isNumber, isText } from '../guards.ts';
import { createMemoryLimits } from '../memory/limits.ts';
import { type LowdbTtlStoreOptions, openLowdbTtlStore } from './ttl-store.ts';

export interface LowdbLimits {
  readonly store: LimitStore;
  /** False when it could not be closed cleanly. */
  close(): Promise<boolean>;
}

interface StoredWindow {
  readonly name: LimitName;
  readonly used: number;
  readonly isPinned: boolean;
  /** Unix time in milliseconds. */
  readonly endsAt: number;
  /** The time that was left when the window was stored. */
  readonly remainingMs: number;
}

/** No window is stored for longer than this. */
const maxWindowMs = 86_400_000;
/** About 10 MB when full, which only wrong passwords from thousands of networks can reach. */
const maxStoredWindows = 32_768;

/** Throws what the damage handler throws, and UNAVAILABLE for errors of the disk. */
export async function openLowdbLimits(
  options: Omit<LowdbTtlStoreOptions<StoredWindow>, 'name' | 'isValue' | 'bounds'>,
): Promise<LowdbLimits> {
  const { clock, log } = options;
  const bounds = { ttlMs: maxWindowMs, max: maxStoredWindows };
  const windows = await openLowdbTtlStore<StoredWindow>({
    ...options,
    name: 'limits',
    isValue: isStoredWindow,
    bounds,
  });
  const limits = createMemoryLimits(clock);
  for (const { key, value } of windows.entries()) {
    const { name, used, isPinned, endsAt } = value;
    // A wall clock that was set back must not extend a window.
    const remainingMs = Math.min(endsAt - clock.now(), value.remainingMs);
    if (remainingMs > 0) limits.restore({ name, key, used, isPinned, remainingMs });
  }

  return {
    store: {
      ...limits,
      persist: async (given) => {
        const window = limits.windowOf(given);
        if (!window) return;
        const { name, key, used, isPinned, remainingMs } = window;
        try {
          await windows.store.put(key, {
            name,
            used,
            isPinned,
            endsAt: clock.now() + remainingMs,
            remainingMs,
          });
        } catch (error) {
          // The event is still counted in memory until the process ends.
          log.warn(
            { limit: name, reason: messageOf(error) },
            'the count of a limit could not be stored: a crash would lose it',
          );
        }
      },
    },
    close: windows.close,
  };
}

function isStoredWindow(value: unknown): value is StoredWindow {
  return (
    isObject(value) &&
    isText(value.name) &&
    limitNames.some((name) => name === value.name) &&
    isNumber(value.used) &&
    typeof value.isPinned === 'boolean' &&
    isNumber(value.endsAt) &&
    isNumber(value.remainingMs)
  );
}
