// Maps errors of Redis and of its client to ours, in words without secrets. Used by the other files of this folder.

import { ReplyError } from 'ioredis';
import { messageOf, SwobError, systemErrorCode } from '../errors.ts';

/** The oldest version that has what swob needs. */
export const oldestMajor = 7;

/** Replies after which a retry makes sense: the state of the server, and the remedy. */
const temporary: Readonly<Record<string, readonly [state: string, remedy: string]>> = {
  LOADING: ['is reading its data', 'it is ready when it has'],
  READONLY: ['is a replica now and takes no writes', 'swob looks for the new master'],
  UNBLOCKED: ['is a replica now', 'swob looks for the new master'],
  MASTERDOWN: ['has lost its master', 'start the master, or promote a replica'],
  CLUSTERDOWN: ['belongs to a cluster that is down', 'see CLUSTER INFO and CLUSTER NODES'],
  MOVED: ['no longer has these keys', 'swob looks for their new master'],
  TRYAGAIN: ['is moving these keys to another node', 'try again'],
  NOREPLICAS: ['has too few replicas (min-replicas-to-write)', 'see INFO replication'],
  OOM: ['is out of memory', 'raise its maxmemory'],
  MISCONF: ['cannot write to its disk', 'see its log, and make room'],
  BUSY: ['runs a script that does not end', 'see its log; SCRIPT KILL ends it'],
};
const refusedCredentials: Readonly<Record<string, string>> = {
  WRONGPASS: 'refuses our user or password: mend [store] user and password',
  NOAUTH: 'wants a password: set [store] password',
  NOPERM: 'does not let our user do this: give [store] user the right, see ACL LIST',
};
const refusedByVersion: Readonly<Record<string, string>> = {
  'ERR DB index': 'has no such database: mend the number in [store] url',
  'ERR This instance has cluster support disabled':
    'is a standalone server, not a cluster one: see the forms of [store] url',
};
/** NOPERM of a command in a script, as Redis 7.0 says it. */
const refusedInScript = /^ERR The user executing the script can't (?:run|access)/;
/** The beginning of a reply that quotes the arguments behind it. */
const unknownCommand = /^ERR unknown (?:sub)?command\W*[\w|-]*/i;
/** Limits how much of an unforeseen message is quoted; its beginning identifies a defect. */
const maxQuoted = 300;

/** UNAVAILABLE: `Redis at a:6379 <state>: <remedy>`. */
export function unavailable(name: string, state: string, remedy: string, cause?: unknown): SwobError {
  return new SwobError('UNAVAILABLE', `Redis at ${name} ${state}: ${remedy}`, {
    retryAfter: 1,
    publicMessage: 'the store cannot be reached now',
    ...(cause !== undefined && { cause }),
  });
}

/** CONFIG: `Redis at a:6379 <problem>`; clients see the same message as for UNAVAILABLE. */
export function misconfigured(name: string, problem: string, cause?: unknown): SwobError {
  return new SwobError('CONFIG', `Redis at ${name} ${problem}`, {
    publicMessage: 'the store cannot be reached now',
    ...(cause !== undefined && { cause }),
  });
}

function timedOut(name: string, limitMs: number): SwobError {
  const remedy = 'see whether it runs and can be reached, or raise [store] timeout';
  return unavailable(name, `has not answered for ${limitMs} ms`, remedy);
}

/** Whether the server replied with an error, so that the connection itself works. */
export function isReply(error: unknown, ...codes: readonly string[]): error is Error {
  if (!(error instanceof ReplyError) || !(error instanceof Error)) return false;
  return codes.length === 0 || codes.includes(error.message.split(' ', 1)[0] ?? '');
}

/** A master that replies so has become a replica. */
export function isDemotion(error: Error): boolean {
  return isReply(error, 'READONLY', 'UNBLOCKED');
}

/** Whether waiting for a reply timed out. */
export function isTimeout(error: unknown): boolean {
  return /^(?:Command timed out|Socket timeout)/.test(messageOf(error));
}

export function redisFailure(name: string, error: unknown, limitMs: number): SwobError {
  if (error instanceof SwobError) return error;
  if (isTimeout(error)) return timedOut(name, limitMs);
  return isReply(error) ? replyFailure(name, error) : connectionFailure(name, error);
}

function replyFailure(name: string, error: Error): SwobError {
  const { message } = error;
  const code = message.split(' ', 1)[0] ?? '';
  const refused = refusedCredentials[refusedInScript.test(message) ? 'NOPERM' : code];
  if (refused !== undefined) return misconfigured(name, refused, error);
  const known = temporary[code];
  if (known) return unavailable(name, ...known, error);
  if (message.startsWith('ERR max number of clients'))
    return unavailable(name, 'has too many clients', 'raise its maxclients', error);
  if (/^ERR unknown command\W*HELLO/i.test(message))
    return misconfigured(name, `does not know HELLO: swob needs Redis ${oldestMajor} or later`);
  const [, problem] = Object.entries(refusedByVersion).find(([start]) => message.startsWith(start)) ?? [];
  if (problem !== undefined) return misconfigured(name, problem, error);
  // Also without the cause: the reply quotes arguments, which may be a part of a record.
  const [unknown] = unknownCommand.exec(message) ?? [];
  return unknown === undefined ? refusedCommand(name, message, error) : refusedCommand(name, unknown);
}

function refusedCommand(name: string, message: string, cause?: Error): SwobError {
  return new SwobError('INTERNAL', `Redis at ${name} refuses a command: ${message.slice(0, maxQuoted)}`, {
    ...(cause && { cause }),
  });
}

function connectionFailure(name: string, error: unknown): SwobError {
  const errno = systemErrorCode(error);
  if (typeof errno === 'string' && /CERT|SIGNED|SIGNATURE|ISSUER|ALTNAME/.test(errno)) {
    return unavailable(
      name,
      `shows a certificate that is not trusted (${errno})`,
      'name what signs it in [store] ca, and the host as the certificate does in [store] url',
      error,
    );
  }
  const reason = typeof errno === 'string' ? errno : messageOf(error).slice(0, maxQuoted);
  return unavailable(name, `cannot be reached (${reason})`, 'start it, or mend [store] url', error);
}
