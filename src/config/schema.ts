// The table of every configuration key: type, default, bounds, whether it is secret, and one line of documentation.
// Loading, `swob config`, confs/example.conf.ini and the reference documentation are derived from it.

import { networks, origins, proxies, publicHost, publicUrl } from './address-types.ts';
import { consoleKeys } from './console-keys.ts';
import { disconnectKeys } from './disconnect-keys.ts';
import { loggingKeys } from './logging-keys.ts';
import { messagingKeys } from './messaging-keys.ts';
import { numberKeys } from './number-keys.ts';
import { overloadKeys } from './overload-keys.ts';
import { relayKeys } from './relay-keys.ts';
import { reliabilityKeys } from './reliability-keys.ts';
import { storeKeys } from './store-keys.ts';
import { duration, integer, type KeyDefinition, limit, oneOf, port, text, url } from './value-types.ts';

const http = ['http', 'https'] as const;

export const schema = {
  api: {
    host: text(
      '127.0.0.1',
      'Address that the gateway listens on, or a name, all of whose addresses it listens on; 0.0.0.0 listens on all interfaces, :: with IPv6 too.',
    ),
    port: port(6969, 'Port of the gateway; 0 picks a free port.'),
    state: oneOf(
      ['testing', 'production'],
      'testing',
      'production validates IMSIs, phone numbers and session ids strictly; testing accepts the documented examples.',
    ),
    public_host: publicHost('Host in the URLs given to clients; empty: the host above.'),
    public_url: publicUrl(
      http,
      'Start of the URLs given to clients, such as https://gw.example.org behind a proxy that terminates TLS; in place of public_host and port.',
    ),
    origins: origins(
      'Web origins that may call the API (CORS), such as https://app.example.org; empty or * allows any.',
    ),
    trusted_proxies: proxies('Proxies whose X-Forwarded-For header is trusted.'),
    request_timeout: duration(
      '10s',
      ['100ms', '5m'],
      'Time within which a client must send a complete request.',
    ),
  },
  api_ssl: {
    crt: text('', 'Certificate file of the gateway (PEM); empty: plain HTTP.'),
    key: text('', 'Private key file of the certificate (PEM).'),
    pem: text('', 'Certificate chain file (PEM), unless crt contains the chain.'),
  },
  websocket: {
    host: text('127.0.0.1', 'Address that the sync websocket listens on; like that of the gateway.'),
    port: port(6996, 'Port of the sync websocket; 0 picks a free port.'),
    public_url: publicUrl(
      ['ws', 'wss'],
      'Start of the websocket URLs given to clients, such as wss://ws.example.org; overrides host and port.',
    ),
  },
  websocket_ssl: {
    host: text('', 'Host in wss URLs; empty: the host of [websocket].'),
    crt: text('', 'Certificate file of the sync websocket (PEM); empty: plain ws.'),
    key: text('', 'Private key file of the certificate (PEM).'),
    pem: text('', 'Certificate chain file (PEM), unless crt contains the chain.'),
  },
  sync: {
    session_change_limit: integer(3, [1, 1_000], 'Number of QR codes that one websocket receives.'),
    session_sleep_timeout: duration('15s', ['50ms', '1h'], 'How long each QR code is shown.'),
    session_paused_timeout: duration(
      '120s',
      ['50ms', '1h'],
      'Time that a phone has from scanning a code to sending the password.',
    ),
    max_connections: integer(
      20_000,
      [1, 1_000_000],
      'Maximum concurrent websockets; further ones are rejected with 503.',
    ),
    max_sessions: integer(
      100_000,
      [1, 10_000_000],
      'Maximum pairing sessions that no websocket shows yet, and of those that a separate sync service shows; when full, the oldest is evicted.',
    ),
  },
  seeds: {
    expiry: duration('20s', ['1s', '1d'], 'How long a gateway client stays active after its last ping.'),
    api_endpoint: url('', http, 'URL of the seed list that phones receive; empty: /seeds of this gateway.', {
      optional: true,
    }),
    operators_file: text(
      '',
      'JSON file of operators by MCC and MNC, added to the built-in list: {"62401": "MTN Cameroon"}.',
    ),
    max_registered: integer(
      100_000,
      [1, 10_000_000],
      'Maximum IMSIs in the store; when full, the seed with the oldest ping is evicted.',
    ),
    token_secret: text(
      '',
      'Secret of seed tokens; when set, pings require the token that `swob seeds token <IMSI>` prints.',
      {
        secret: true,
      },
    ),
  },
  numbers: numberKeys,
  security: {
    public_key_filepath: text(
      'data/security/public.pem',
      'Public key file of the gateway (RSA, PEM); created on first start.',
    ),
    private_key_filepath: text(
      'data/security/private.pem',
      'Private key file of the gateway (RSA, PEM, mode 0600); created on first start.',
    ),
    admin_token_filepath: text(
      'data/security/admin.token',
      'File of the admin token for operator commands such as `swob sms failed` (mode 0600); created on first start.',
    ),
  },
  store: storeKeys,
  limits: {
    pings: limit('1200/1m', 'Seed pings per address; 20 times as many per IMSI over all addresses.'),
    sessions: limit(
      '60/1m',
      'New pairing sessions per address; 20 times as many per user over all addresses. New sync websockets per address, too.',
    ),
    passwords: limit(
      '5/15m',
      'Wrong passwords per address, per user and address, and per session; six times as many minus one per user over all addresses. Attempts in progress count too. Wrong credentials of developers, and wrong admin tokens in the console, too.',
    ),
    guesses: limit(
      '30/1m',
      'Requests for sessions that do not exist, per address; SMS with the form of a reliability test that are none.',
    ),
    sms: limit(
      '6000/1m',
      'SMS per address, and 20 times as many per sender over all addresses; outgoing requests per address and per developer.',
    ),
    tests: limit(
      '30/1h',
      'Requests for reliability tests per address; 20 times as many tests per gateway client over all addresses.',
    ),
    lookups: limit(
      '2000/1m',
      'Operator lookups without credentials, in phone numbers per address; a list of gateway clients or of tests counts as one.',
    ),
    disconnects: limit('6000/1m', 'Calls to the disconnect service per address.'),
  },
  overload: overloadKeys,
  user_management_api: {
    api_url: url(
      'http://127.0.0.1:9000',
      http,
      'User management API; the URLs of platform logos start with it.',
    ),
    verification_url: url(
      'http://127.0.0.1:9000/v2/users/%s/verify',
      http,
      'URL that verifies a password; %s is the user id.',
      { placeholder: true },
    ),
    platforms_url: url(
      'http://127.0.0.1:9000/v2/users/%s/platforms',
      http,
      'URL that lists the platforms of a user; %s is the user id.',
      { placeholder: true },
    ),
    timeout: duration('10s', ['100ms', '2m'], 'Timeout of each response.'),
  },
  ...messagingKeys,
  relay: relayKeys,
  reliability: reliabilityKeys,
  ...disconnectKeys,
  console: consoleKeys,
  metrics: {
    allow: networks('Addresses and CIDR ranges that may read /metrics; all others get 404.', [
      '127.0.0.0/8',
      '::1',
    ]),
    node: text(
      '',
      'Name of this process among those that share a store, for the console; empty: host name and port. Must differ from the others.',
    ),
  },
  logging: loggingKeys,
} satisfies Record<string, Record<string, KeyDefinition<unknown>>>;

type Value<K> = K extends KeyDefinition<infer T> ? T : never;

type Sections = {
  readonly [S in keyof typeof schema]: {
    readonly [K in keyof (typeof schema)[S]]: Value<(typeof schema)[S][K]>;
  };
};

/** A [nas <name>] section. */
export type NasConfig = Sections['nas <name>'] & { readonly name: string };

/** The validated, typed configuration: `config.api.port`. Durations are in milliseconds. */
export type Config = Omit<Sections, 'nas <name>'> & { readonly nas: readonly NasConfig[] };
