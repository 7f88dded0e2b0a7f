// The keys of [store]. Part of the table in schema.ts.

import { storeUrl } from './store-url.ts';
import { defineKey, duration, integer, text } from './value-types.ts';

const prefix = /^[A-Za-z0-9_.:-]{1,64}$/;

const prefixType = {
  name: 'letters, digits, "_", ".", ":", "-"',
  parse: (value: string): string => {
    if (!prefix.test(value)) throw new Error('expected 1 to 64 letters, digits, "_", ".", ":" or "-"');
    return value;
  },
  format: (value: string): string => value,
};

export const storeKeys = {
  url: storeUrl(
    'file:./data',
    'Where data is stored: file:<folder>, memory: (lost at exit), or Redis for several machines: redis://<host>[:<port>][/<db>], redis+sentinel://<host>,<host>/<master name>, redis+cluster://<host>,<host>; rediss for TLS.',
  ),
  user: text('', 'Redis user (ACL); empty: the default user.'),
  password: text('', 'Redis password; empty: none.', { secret: true }),
  password_file: text('', 'File with the Redis password, in place of password.'),
  sentinel_password: text('', 'Password of the Sentinels; empty: none.', { secret: true }),
  ca: text('', 'CA certificates for rediss (PEM file); empty: the CAs that Node.js trusts.'),
  timeout: duration('2s', ['50ms', '1m'], 'Timeout of each Redis response.'),
  prefix: defineKey(
    prefixType,
    'swob',
    'Prefix of every Redis key, so that installations can share a server.',
  ),
  replicas: integer(0, [0, 10], 'Replicas that must confirm a durable write before it is acknowledged.'),
  replica_timeout: duration(
    '1s',
    ['10ms', '1m'],
    'How long to wait for these replicas before the request fails with 503.',
  ),
};
