// The errors of failed calls to upstream systems.

import { expect, vi } from 'vitest';
import { SwobError } from '../../src/errors.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import type { HostileServer } from './hostile-server.ts';

/** The error's text; fails when the promise does not reject with UPSTREAM, or when the error contains a secret. */
export async function upstreamFailure(
  promise: Promise<unknown>,
  secrets: readonly string[],
): Promise<string> {
  const error: unknown = await promise.then(
    (value) => {
      throw new Error(`resolved to ${JSON.stringify(value)}`);
    },
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'UPSTREAM' });
  // The other members of an error are logged too.
  const everything = `${error} ${JSON.stringify(error)} ${error instanceof Error ? String(error.cause) : ''}`;
  for (const secret of secrets) expect(everything).not.toContain(secret);
  return String(error);
}

/** Advances the clock by a timeout, once the server has had `count` requests and the client what was answered. */
export async function timeOut(
  clock: FakeClock,
  { requests }: Pick<HostileServer, 'requests'>,
  { count, ms }: { readonly count: number; readonly ms: number },
): Promise<void> {
  await vi.waitFor(() => expect(requests).toHaveLength(count));
  // Local connections deliver at once: the client reads in the next turns of the event loop.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  clock.advance(ms);
}

/** The code and the message of the SwobError that a call rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await promise.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SwobError);
  return error instanceof SwobError
    ? { code: error.code, message: error.message }
    : { code: '', message: '' };
}
