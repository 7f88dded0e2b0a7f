// The keys of the disconnect service, a part of the table in schema.ts.

import { networks } from './address-kinds.ts';
import { duration, flag, integer, port, someOf, text } from './kinds.ts';

export const disconnectKeys = {
  disconnect: {
    host: text('0.0.0.0', 'Address that the disconnect service listens on; 0.0.0.0 for all.'),
    port: port(
      9096,
      'Port of the disconnect service; 0 takes a free one. PORT in the environment sets it too.',
    ),
    legacy_status: flag(false, 'Answer 200 always, for portals that read only the body.'),
    nas_allow: networks('NAS addresses that tokens may name; empty means any.'),
    hocon: text('', 'application.conf of the old service; goes before this file. --hocon names it too.'),
  },
  disconnect_ssl: {
    crt: text('', 'Certificate file of the disconnect service (PEM); empty means plain HTTP.'),
    key: text('', 'Private key file of the certificate (PEM).'),
    pem: text('', 'Chain of the certificate (PEM), if not in crt.'),
  },
  pcrf: {
    host: text('localhost', 'Host of the PCRF that ends sessions.'),
    port: integer(7070, [1, 65_535], 'Its port.'),
    timeout: duration('10s', ['10ms', '5m'], 'Time for each of its answers.'),
  },
  'pcrf.pool': {
    min: integer(1, [0, 1_000], 'Connections to the PCRF that are kept open.'),
    max: integer(20, [1, 1_000], 'Connections to the PCRF at once.'),
    wait_timeout: duration(
      '5s',
      ['10ms', '5m'],
      'How long a call waits for a connection; then it is answered 503.',
    ),
  },
  validation: {
    public_key: text(
      '/etc/eltex-doors/keys/public.pem',
      'Public key of the service that signs tokens (RSA, PEM).',
    ),
    algorithms: someOf(
      ['RS256', 'RS384', 'RS512', 'HS256'],
      ['RS256'],
      'Signatures that are accepted; HS256 needs a secret_file.',
    ),
    issuer: text('', 'What the claim iss of a token has to be; empty means it is not checked.'),
    audience: text('', 'What the claim aud of a token has to hold; empty means it is not checked.'),
    leeway: duration('0s', ['0s', '5m'], 'How far the clock of the signer may be off.'),
    max_lifetime: duration('0s', ['0s', '365d'], 'Longest time from iat to exp of a token; 0s means any.'),
    secret_file: text('', 'File that holds the secret of HS256 tokens.'),
  },
};
