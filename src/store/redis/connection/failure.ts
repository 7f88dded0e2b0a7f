// What the failures of Redis and of its client mean, in words without secrets. Used by everything in store/redis.

import { ErrorReply } from '@redis/client';
import { errnoOf, messageOf, SwobError } from '../../../errors.ts';

/** Answers that the caller acts on: `MOVED`, `ASK`, `NOSCRIPT`. They never leave store/redis. */
export class RedisReplyError extends Error {
  readonly code: 'MOVED' | 'ASK' | 'NOSCRIPT';
  /** `host:port` of MOVED and ASK; the host may be empty, which means the one that answered. */
  readonly address: string;

  constructor(code: RedisReplyError['code'], message: string) {
    super(message);
    this.code = code;
    this.address = message.split(' ')[2] ?? '';
  }
}

/** Answers after which trying again makes sense: what the server is, and what to do. */
const passing: Readonly<Record<string, readonly [what: string, advice: string]>> = {
  LOADING: ['is reading its data', 'it is ready when it has'],
  READONLY: ['is a replica now and takes no writes', 'swob looks for the new master'],
  UNBLOCKED: ['is a replica now', 'swob looks for the new master'],
  MASTERDOWN: ['has lost its master', 'start the master, or promote a replica'],
  CLUSTERDOWN: ['belongs to a cluster that is down', 'see CLUSTER INFO and CLUSTER NODES'],
  TRYAGAIN: ['is moving these keys to another node', 'try again'],
  NOREPLICAS: ['has too few replicas (min-replicas-to-write)', 'see INFO replication'],
  OOM: ['is out of memory', 'raise its maxmemory'],
  MISCONF: ['cannot write to its disk', 'see its log, and make room'],
  BUSY: ['runs a script that does not end', 'see its log; SCRIPT KILL ends it'],
};
const credentials: Readonly<Record<string, string>> = {
  WRONGPASS: 'refuses our user or password: mend [store] user and password',
  NOAUTH: 'wants a password: set [store] password',
  NOPERM: 'does not let our user do this: give [store] user the right, see ACL LIST',
};
const redirects = ['MOVED', 'ASK', 'NOSCRIPT'] as const;
/** Of a message of Redis that nobody foresaw; a defect is told by its beginning. */
const maxQuoted = 300;

/** UNAVAILABLE: `Redis at a:6379 <what>: <advice>`. */
export function unavailable(name: string, what: string, advice: string, cause?: unknown): SwobError {
  return new SwobError('UNAVAILABLE', `Redis at ${name} ${what}: ${advice}`, {
    retryAfter: 1,
    forClients: 'the store cannot be reached now',
    ...(cause !== undefined && { cause }),
  });
}

/** CONFIG: `Redis at a:6379 <what>`; clients read no more than with UNAVAILABLE. */
export function misconfigured(name: string, what: string, cause?: unknown): SwobError {
  return new SwobError('CONFIG', `Redis at ${name} ${what}`, {
    forClients: 'the store cannot be reached now',
    ...(cause !== undefined && { cause }),
  });
}

/** What an error of the client means; what is understood already stays as it is. */
export function redisFailure(name: string, error: unknown): SwobError | RedisReplyError {
  if (error instanceof SwobError || error instanceof RedisReplyError) return error;
  return error instanceof ErrorReply ? replyFailure(name, error) : connectionFailure(name, error);
}

/** The server was a master and is a replica now: whoever is the master has to be found. */
export function isDemotion(error: unknown): boolean {
  const cause = error instanceof SwobError ? error.cause : undefined;
  return cause instanceof ErrorReply && /^(?:READONLY|UNBLOCKED)\b/.test(cause.message);
}

function replyFailure(name: string, error: ErrorReply): SwobError | RedisReplyError {
  const { message } = error;
  const code = message.split(' ', 1)[0] ?? '';
  const redirect = redirects.find((candidate) => candidate === code);
  if (redirect) return new RedisReplyError(redirect, message);
  const refused = credentials[code];
  if (refused !== undefined) return misconfigured(name, refused, error);
  const known = passing[code];
  if (known) return unavailable(name, ...known, error);
  if (message.startsWith('ERR max number of clients'))
    return unavailable(name, 'has too many clients', 'raise its maxclients', error);
  if (message.startsWith('ERR DB index'))
    return misconfigured(name, 'has no such database: mend the number in [store] url', error);
  return new SwobError('INTERNAL', `Redis at ${name} refuses a command: ${message.slice(0, maxQuoted)}`, {
    cause: error,
  });
}

function connectionFailure(name: string, error: unknown): SwobError {
  const errno = errnoOf(error);
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
