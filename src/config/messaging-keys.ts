// The configuration of inbound and outgoing SMS, and of the systems behind them: a part of the table in schema.ts.

import { callbackTargets, path, upstreamHost } from './address-kinds.ts';
import { duration, integer, text, url } from './kinds.ts';

const http = ['http', 'https'] as const;

export const messagingKeys = {
  dev_api: {
    authentication_url: url(
      'http://127.0.0.1:9100/v1/authenticate',
      http,
      'Developer API; checks the credentials of a developer.',
    ),
    auth_id: text('', 'Our own auth id there, for asking the back end; empty: it is asked without.'),
    auth_key: text('', 'Our own auth key there.', { secret: true }),
    timeout: duration('10s', ['100ms', '2m'], 'Time for each of its answers.'),
  },
  backend_publisher: {
    host: upstreamHost(
      '127.0.0.1',
      'Back end that knows the user of a phone number; https:// before it for TLS.',
    ),
    port: integer(9100, [1, 65_535], 'Its port.'),
    endpoint: path('/users', 'Its path.'),
    timeout: duration('10s', ['100ms', '2m'], 'Time for each of its answers.'),
    cache_ttl: duration(
      '10m',
      ['0s', '1d'],
      'How long the user of a number is remembered; 0s asks each time.',
    ),
  },
  publisher: {
    host: upstreamHost('127.0.0.1', 'Publisher that messages go to.'),
    port: integer(9200, [1, 65_535], 'Its port.'),
    endpoint: path('/publish', 'Its path.'),
    timeout: duration('10s', ['10ms', '2m'], 'Time for each of its answers.'),
    max_age: duration(
      '1d',
      ['1s', '30d'],
      'A message that could not be published for this long is given up (`swob sms failed`).',
    ),
    keep_failed: duration(
      '30d',
      ['1m', '365d'],
      'A message that was given up is forgotten this long after it came.',
    ),
    dedupe_window: duration('1d', ['1s', '30d'], 'The same SMS again within this time is published once.'),
    max_pause: duration(
      '5m',
      ['100ms', '1d'],
      'Longest pause between two attempts to publish; the first is 1s, and each doubles.',
    ),
    max_remembered: integer(
      100_000,
      [1, 10_000_000],
      'Published SMS that are remembered for that; the oldest give way.',
    ),
    max_kept: integer(
      10_000,
      [1, 1_000_000],
      'Messages that wait or were given up; a new one above it is answered 503.',
    ),
  },
  broker: {
    url: url(
      '',
      ['amqp', 'amqps'],
      'RabbitMQ for outgoing SMS, such as amqp://swob:password@localhost; empty: none.',
      {
        optional: true,
        secret: true,
      },
    ),
    management_url: url(
      '',
      http,
      'Its management API, such as http://localhost:15672; empty: developers cannot subscribe.',
      {
        optional: true,
      },
    ),
    management_user: text('', 'User of the management API, an administrator.'),
    management_password: text('', 'Its password.', { secret: true }),
    timeout: duration(
      '10s',
      ['100ms', '2m'],
      'Time for RabbitMQ to confirm an SMS, and for its management API to answer.',
    ),
  },
  outgoing: {
    setup_id: text('', 'Set-up credentials, without which no developer can subscribe.'),
    setup_key: text('', 'Their key.', { secret: true }),
    callback_secret: text('', 'When set, callbacks are signed with it (webhook-signature, HMAC-SHA256).', {
      secret: true,
    }),
    callback_allow: callbackTargets(
      'Callback targets that are not public addresses: host names, addresses, CIDR ranges.',
    ),
    max_callbacks: integer(
      10_000,
      [1, 1_000_000],
      'Callbacks that wait for another attempt; more are dropped.',
    ),
  },
  twilio: {
    auth_token: text('', 'Auth token of the Twilio account; empty: nothing is taken from Twilio.', {
      secret: true,
    }),
  },
};
