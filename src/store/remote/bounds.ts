// How much the calls between a client and the owner of the store may be: in number, and in characters of JSON, about. A megabyte
// takes about 5 ms to write or read, during which neither process does anything else.

import { SwobError } from '../../errors.ts';

/** Calls of one client that wait for their answers; all their arguments, also of calls that it no longer waits for, until they are sent. */
export const maxPendingCalls = 10_000;
export const maxPendingWeight = 64 * 1024 * 1024;
/** The arguments of one call; the largest are the 1,000 SMS of a request, each with 8,192 characters of callback URLs. */
export const maxCallWeight = 16 * 1024 * 1024;
/** The result of one call that is not a list, such as a page of 1,000 such SMS; a list is sent in parts. */
export const maxResultWeight = 16 * 1024 * 1024;
export const maxPartWeight = 128 * 1024;
/** Calls, or answers, that share a message. */
export const maxMessageWeight = 128 * 1024;
/** Answers that a client has not read yet. */
export const maxUnsentWeight = 64 * 1024 * 1024;
/** Channels that one client subscribes to. */
export const maxChannels = 1_000;

export function tooManyCallsError(): SwobError {
  const message = `${maxPendingCalls} calls wait for the process that has the store open, which is the maximum; try again`;
  return new SwobError('UNAVAILABLE', message, { retryAfter: 1 });
}
