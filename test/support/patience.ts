// Time limits of tests, scaled to the speed of the machine: they end only what hangs.

import { vi } from 'vitest';

/** At least 1; vitest.config.ts measures it. */
const slowness = Number(process.env.TEST_SLOWNESS ?? 1);

/** The default limit of a wait, and the shortest: a limit ends what hangs, and the measured slowness is that of the start. */
const usualMs = 60_000;

/** `ms` on a quiet machine, more on a slow or busy one. */
export const patient = (ms: number): number => Math.ceil(ms * slowness);

const { waitFor } = vi;

// vitest's own limit of one second is too short for a busy machine, and so are some seconds.
vi.waitFor = (callback, options = {}) => {
  const { timeout = usualMs, ...others } = typeof options === 'number' ? { timeout: options } : options;
  return waitFor(callback, { ...others, timeout: patient(Math.max(timeout, usualMs)) });
};
