// What a client of an upstream says of a call that failed.

import { expect } from 'vitest';

/** The error's text; fails when the promise does not reject with UPSTREAM, or when a secret stands in the error. */
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
  // What an error holds beyond its message gets into logs too.
  const everything = `${error} ${JSON.stringify(error)} ${error instanceof Error ? String(error.cause) : ''}`;
  for (const secret of secrets) expect(everything).not.toContain(secret);
  return String(error);
}
