// The catalogue of errors against the lists of exit codes and statuses that others rely on.

import { expect, test } from 'vitest';
import { errorCatalogue, messageOf, SwobError } from '../src/errors.ts';

test('every exit code is one of those that --help and the documentation name', () => {
  const documented = [1, 64, 65, 69, 70, 75, 78];
  const used = new Set<number>(Object.values(errorCatalogue).map(({ exit }) => exit));
  expect([...used].sort((a, b) => a - b)).toEqual(documented);
});

test.each([
  ['USAGE', 64, 400],
  ['BAD_INPUT', 65, 400],
  ['UNREACHABLE', 69, 503],
  ['UPSTREAM', 69, 502],
  ['INTERNAL', 70, 500],
  ['LIMITED', 75, 429],
  ['UNAVAILABLE', 75, 503],
  ['CONFIG', 78, 500],
  ['REFUSED', 1, 400],
  ['UNAUTHENTICATED', 1, 401],
  ['FORBIDDEN', 1, 403],
  ['NOT_FOUND', 1, 404],
  ['CONFLICT', 1, 409],
  ['TOO_LARGE', 65, 413],
  ['UNSUPPORTED_MEDIA', 65, 415],
] as const)('%s ends with %i and answers %i', (code, exit, http) => {
  const error = new SwobError(code, 'no');
  expect([error.exitCode, error.httpStatus]).toEqual([exit, http]);
});

test('an error keeps its cause and its time to wait, and anything thrown has a message', () => {
  const cause = new Error('deep');
  const error = new SwobError('LIMITED', 'too many', { cause, retryAfter: 3 });
  expect([error.cause, error.retryAfter, error.name]).toEqual([cause, 3, 'SwobError']);
  expect(messageOf(error)).toBe('too many');
  expect(messageOf('thrown text')).toBe('thrown text');
});
