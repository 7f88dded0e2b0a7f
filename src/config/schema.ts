// The one table of every configuration key: type, unit, default, bounds, secret or not, and what it is
// for. Loading, `swob config`, `confs/example.conf.ini` and the documentation all come from here.

import { networks, origins, proxies, publicHost, publicUrl } from './address-kinds.ts';
import { disconnectKeys } from './disconnect-keys.ts';
import { duration, integer, type Key, limit, oneOf, port, text, url } from './kinds.ts';
import { loggingKeys } from './logging-keys.ts';
import { messagingKeys } from './messaging-keys.ts';
import { overloadKeys } from './overload-keys.ts';
import { storeKeys } from './store-keys.ts';

const http = ['http', 'https'] as const;

export const schema = {
  api: {
    host: text('127.0.0.1', 'Address that the gateway listens on; 0.0.0.0 for all.'),
    port: port(6969, 'Port of the gateway; 0 takes a free one.'),
    state: oneOf(
      ['testing', 'production'],
      'testing',
      'production checks IMSIs, phone numbers and session ids strictly; testing lets the documented examples work.',
    ),
    public_host: publicHost('Host in the URLs that clients get; empty means the host above.'),
    public_url: publicUrl(
      http,
      'What the URLs that clients get begin with, such as https://gw.example.org when a proxy in front does TLS; goes before public_host and the port.',
    ),
    origins: origins('Web origins that may call, such as https://app.example.org; empty or * means any.'),
    trusted_proxies: proxies('Proxies whose X-Forwarded-For is believed.'),
    request_timeout: duration('10s', ['100ms', '5m'], 'Time for a client to send a whole request.'),
  },
  api_ssl: {
    crt: text('', 'Certificate file of the gateway (PEM); empty means plain HTTP.'),
    key: text('', 'Private key file of the certificate (PEM).'),
    pem: text('', 'Chain of the certificate (PEM), if not in crt.'),
  },
  websocket: {
    host: text('127.0.0.1', 'Address that the sync websocket listens on.'),
    port: port(6996, 'Port of the sync websocket; 0 takes a free one.'),
    public_url: publicUrl(
      ['ws', 'wss'],
      'What the websocket URLs that clients get begin with, such as wss://ws.example.org; goes before host and port.',
    ),
  },
  websocket_ssl: {
    host: text('', 'Host in wss URLs; empty means the host of [websocket].'),
    crt: text('', 'Certificate file of the sync websocket (PEM); empty means plain ws.'),
    key: text('', 'Private key file of the certificate (PEM).'),
    pem: text('', 'Chain of the certificate (PEM), if not in crt.'),
  },
  sync: {
    session_change_limit: integer(3, [1, 1_000], 'How many QR codes a socket is shown in all.'),
    session_sleep_timeout: duration('15s', ['50ms', '1h'], 'How long each QR code is shown.'),
    session_paused_timeout: duration(
      '120s',
      ['50ms', '1h'],
      'How long a phone may take from scanning to the password.',
    ),
    max_connections: integer(20_000, [1, 1_000_000], 'Sockets held at once; more are answered 503.'),
    max_sessions: integer(
      100_000,
      [1, 10_000_000],
      'Sessions that no phone has scanned yet, held at once; the oldest give way.',
    ),
  },
  seeds: {
    expiry: duration('20s', ['1s', '1d'], 'A gateway client is active this long after its last ping.'),
    api_endpoint: url(
      '',
      http,
      'URL of the list of seeds that phones get; empty means /seeds of this gateway.',
      { optional: true },
    ),
    operators_file: text(
      '',
      'JSON file of operators by MCC+MNC that adds to the built-in list: {"62401": "MTN Cameroon"}.',
    ),
    max_registered: integer(
      100_000,
      [1, 10_000_000],
      'IMSIs that the store keeps; a new one above it is refused.',
    ),
    token_secret: text('', 'When set, pings need the token that `swob seeds token <IMSI>` prints.', {
      secret: true,
    }),
  },
  security: {
    public_key_filepath: text(
      'data/security/public.pem',
      'Public key of the gateway (RSA, PEM); made on first start.',
    ),
    private_key_filepath: text(
      'data/security/private.pem',
      'Private key of the gateway (RSA, PEM, mode 0600).',
    ),
    admin_token_filepath: text(
      'data/security/admin.token',
      'Token with which `swob sms failed`, `retry` and `trace` ask the gateway (mode 0600); made on first start.',
    ),
  },
  store: storeKeys,
  limits: {
    pings: limit('1200/1m', 'Seed pings from an address, and for an IMSI.'),
    sessions: limit('60/1m', 'New pairing sessions from an address, and for a user.'),
    passwords: limit(
      '5/15m',
      'Wrong passwords from an address, for a user, and for a session; running attempts of a user count until they end.',
    ),
    guesses: limit('30/1m', 'Requests for sessions that do not exist, from an address.'),
    sms: limit(
      '6000/1m',
      'SMS from an address and of a sender; outgoing requests from an address and of a developer.',
    ),
    disconnects: limit('6000/1m', 'Calls of the disconnect service from an address.'),
  },
  overload: overloadKeys,
  user_management_api: {
    api_url: url('http://127.0.0.1:9000', http, 'User management API; stands before the logos of platforms.'),
    verification_url: url(
      'http://127.0.0.1:9000/v2/users/%s/verify',
      http,
      'Checks a password; %s is the user id.',
      { placeholder: true },
    ),
    platforms_url: url(
      'http://127.0.0.1:9000/v2/users/%s/platforms',
      http,
      'Lists the platforms of a user; %s is the user id.',
      { placeholder: true },
    ),
    timeout: duration('10s', ['100ms', '2m'], 'Time for each of its answers.'),
  },
  ...messagingKeys,
  ...disconnectKeys,
  metrics: {
    allow: networks(
      'Addresses and CIDR ranges that may read /metrics; for all others there is no such page.',
      ['127.0.0.0/8', '::1'],
    ),
  },
  logging: loggingKeys,
} satisfies Record<string, Record<string, Key<unknown>>>;

type Value<K> = K extends Key<infer T> ? T : never;

/** The whole configuration, checked and typed: `config.api.port`. Durations are milliseconds. */
export type Config = {
  readonly [S in keyof typeof schema]: {
    readonly [K in keyof (typeof schema)[S]]: Value<(typeof schema)[S][K]>;
  };
};
