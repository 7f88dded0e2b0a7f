// The keys of [store]: a part of the table in schema.ts.

import { duration, integer, key, text } from './kinds.ts';
import { storeUrl } from './store-url.ts';

const prefix = /^[A-Za-z0-9_.:-]{1,64}$/;

const prefixKind = {
  name: 'text of letters, digits, "_", ".", ":", "-"',
  parse: (value: string): string => {
    if (!prefix.test(value)) throw new Error('expected 1 to 64 letters, digits, "_", ".", ":" or "-"');
    return value;
  },
  format: (value: string): string => value,
};

export const storeKeys = {
  url: storeUrl(
    'file:./data',
    'Where registrations and keys are kept: file:<folder>, memory: (lost at exit), or Redis for several machines: redis://<host>[:<port>][/<db>], redis+sentinel://<host>,<host>/<master name>, redis+cluster://<host>,<host>; rediss for TLS.',
  ),
  user: text('', 'User of Redis (ACL); empty means the default user.'),
  password: text('', 'Password of Redis; empty: none.', { secret: true }),
  password_file: text('', 'File that holds it, in place of password.'),
  sentinel_password: text('', 'Password of the Sentinels; empty: none.', { secret: true }),
  ca: text('', 'Certificates that sign those of the servers (PEM file), for rediss; empty: the usual ones.'),
  timeout: duration('2s', ['50ms', '1m'], 'Time for each answer of Redis.'),
  prefix: key(
    prefixKind,
    'swob',
    'Begins the name of every key in Redis, so that installations can share a server.',
  ),
  replicas: integer(0, [0, 10], 'Replicas that must have a durable write before it is acknowledged.'),
  replica_timeout: duration(
    '1s',
    ['10ms', '1m'],
    'Time for those replicas to have it; then it is answered 503.',
  ),
};
