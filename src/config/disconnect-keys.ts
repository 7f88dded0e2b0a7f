// The keys of the disconnect service. Part of the table in schema.ts.

import { networks } from './address-types.ts';
import { nasKeys } from './nas-keys.ts';
import { pcrfKeys } from './pcrf-keys.ts';
import { duration, flag, integer, oneOf, port, someOf, text } from './value-types.ts';

export const disconnectKeys = {
  disconnect: {
    host: text(
      '0.0.0.0',
      'Address that the disconnect service listens on; 0.0.0.0 listens on all interfaces.',
    ),
    port: port(
      9096,
      'Port of the disconnect service; 0 picks a free port. The environment variable PORT sets it too.',
    ),
    legacy_status: flag(false, 'Always respond with status 200, for portals that read only the body.'),
    nas_allow: networks('NAS addresses that tokens may name; empty: any.'),
    empty_vrf: flag(false, 'Accept tokens with an empty vrf, for sessions without a VRF.'),
    backend: oneOf(
      ['pcrf', 'radius', 'both'],
      'pcrf',
      'What ends sessions: the PCRF, RADIUS Disconnect at the NAS of [nas <name>] sections, or the PCRF and then RADIUS.',
    ),
    already_gone: oneOf(
      ['failure', 'success'],
      'failure',
      'What it is when the NAS knows no such session (RADIUS Error-Cause 503).',
    ),
    hocon: text(
      '',
      'application.conf of the replaced service, with the files of its folder that it includes; overrides this file. --hocon sets it too.',
    ),
    verify: oneOf(
      ['off', 'pcrf', 'accounting'],
      'off',
      'How to find out whether a session is really gone: by a query of the PCRF ([pcrf] session_path), or by the RADIUS accounting of the NAS.',
    ),
    verify_within: duration(
      '5s',
      ['100ms', '1m'],
      'How long to wait for that; the response to the portal waits too.',
    ),
    verify_required: flag(false, 'Respond with 502 when the session is still there after that time.'),
    accounting_port: port(
      1813,
      'UDP port for RADIUS accounting, with verify = accounting; 0 picks a free port.',
    ),
    audit_keep: duration('90d', ['1h', '3650d'], 'How long requests stay in the audit trail.'),
    audit_max: integer(
      100_000,
      [100, 1_000_000],
      'Maximum of requests in the audit trail, besides a tenth as many without a valid token; above it the oldest are removed.',
    ),
  },
  disconnect_ssl: {
    crt: text('', 'Certificate file of the disconnect service (PEM); empty: plain HTTP.'),
    key: text('', 'Private key file of the certificate (PEM).'),
    pem: text('', 'Certificate chain file (PEM), unless crt contains the chain.'),
  },
  ...pcrfKeys,
  /** Sections that users name, such as [nas branch]. */
  'nas <name>': nasKeys,
  validation: {
    public_key: text(
      '/etc/eltex-doors/keys/public.pem',
      'Public key file of the service that signs tokens (RSA): PEM, DER, certificate, ssh-rsa line or JWK.',
    ),
    algorithms: someOf(
      ['RS256', 'RS384', 'RS512', 'HS256'],
      ['RS256'],
      'Accepted signature algorithms; HS256 needs secret_file.',
    ),
    issuer: text('', 'Required iss claim of a token; empty: not checked.'),
    audience: text('', 'Value that the aud claim of a token must be or contain; empty: not checked.'),
    leeway: duration('5s', ['0s', '5m'], "Tolerated difference between the signer's clock and this one."),
    max_lifetime: duration('0s', ['0s', '365d'], 'Longest time from iat to exp of a token; 0s: any.'),
    secret_file: text('', 'File with the secret of HS256 tokens.'),
  },
};
