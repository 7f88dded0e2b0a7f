// When helpers stop what they have started: at the end of the current test, or at the end of the file for what the tests of
// a file share.

import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { type Need, needs, present } from './needs.ts';

type Disposer = () => unknown;

/** Of what is being started for a whole file. */
let disposersOfFile: Disposer[] | undefined;

/** Calls `dispose` when the current test ends, or the file when called within `sharedByFile`; the last one first. */
export function onEnd(dispose: Disposer): void {
  if (disposersOfFile) disposersOfFile.push(dispose);
  else onTestFinished(async () => void (await dispose()));
}

/**
 * Starts something once, before the first test of a file or `describe`. The helpers that `start` calls stop after the
 * last of those tests, which are skipped, or fail under CI=true, where a requirement is missing.
 */
export function sharedByFile<T>(start: () => Promise<T>, required: readonly Need[] = []): () => T {
  const disposers: Disposer[] = [];
  let started: { readonly value: T } | undefined;
  beforeAll(async () => {
    if (!present(...required)) return;
    disposersOfFile = disposers;
    try {
      started = { value: await start() };
    } finally {
      disposersOfFile = undefined;
    }
  });
  beforeEach((context) => needs(context, ...required));
  afterAll(async () => {
    for (const dispose of disposers.toReversed()) await dispose();
  });
  return () => {
    if (!started) throw new Error('it has not been started');
    return started.value;
  };
}
