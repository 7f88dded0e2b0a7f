// The keys of inbound and outgoing SMS and of the systems that they use. Part of the table in schema.ts.

import { callbackTargets, path, upstreamHost } from './address-types.ts';
import { quietHours } from './quiet-hours-type.ts';
import { defineKey, duration, integer, limit, listType, someOf, text, url } from './value-types.ts';

const http = ['http', 'https'] as const;

/** Other RabbitMQ tags would let a developer read or change the data of others. */
const tenantTagsType = listType('management, or nothing', (item) => {
  if (item !== 'management') throw new Error('expected management, or nothing');
});

export const messagingKeys = {
  dev_api: {
    authentication_url: url(
      'http://127.0.0.1:9100/v1/authenticate',
      http,
      'Endpoint of the developer API that verifies the credentials of a developer.',
    ),
    auth_id: text(
      '',
      "The gateway's own auth id, sent with requests to the back end; empty: none is sent, and with [relay] url the back end is not called at all.",
    ),
    auth_key: text('', "The gateway's own auth key.", { secret: true }),
    timeout: duration('10s', ['100ms', '2m'], 'Timeout of each developer API response.'),
  },
  backend_publisher: {
    host: upstreamHost(
      '127.0.0.1',
      'Host of the back end that maps phone numbers to users; prefix https:// for TLS.',
    ),
    port: integer(9100, [1, 65_535], 'Port of the back end.'),
    endpoint: path('/users', 'Path of the back end.'),
    timeout: duration('10s', ['100ms', '2m'], 'Timeout of each back-end response.'),
    cache_ttl: duration(
      '10m',
      ['0s', '1d'],
      'How long the user of a phone number is cached; 0s disables the cache.',
    ),
  },
  publisher: {
    host: upstreamHost('127.0.0.1', 'Host of the Publisher; prefix https:// for TLS.'),
    port: integer(9200, [1, 65_535], 'Port of the Publisher.'),
    endpoint: path('/publish', 'Path of the Publisher.'),
    timeout: duration(
      '2m',
      ['10ms', '10m'],
      'Timeout of each Publisher response; the Publisher responds only after the platform has accepted the message.',
    ),
    answer_within: duration(
      '8s',
      ['100ms', '2m'],
      'When the Publisher takes longer than this, the gateway responds with 202 and continues in the background.',
    ),
    retries: integer(
      3,
      [0, 100],
      'Retries after the Publisher has responded with a failure (5xx); a retry may deliver the message twice.',
    ),
    retry_pause: duration(
      '10m',
      ['100ms', '1d'],
      'Pause before the first of these retries and before that of unknown_retries; the next are 3 and 9 times as long.',
    ),
    unknown_retries: integer(
      1,
      [0, 1],
      'Retries of a message that was sent without a response; it may have been published already.',
    ),
    max_age: duration(
      '1d',
      ['1s', '30d'],
      'A message that could not be published for this long is dead-lettered (`swob sms failed`).',
    ),
    keep_failed: duration('30d', ['1m', '365d'], 'Dead-lettered messages are deleted after this time.'),
    dedupe_window: duration(
      '1d',
      ['1s', '30d'],
      'The same SMS received again within this time is published only once.',
    ),
    max_pause: duration(
      '5m',
      ['100ms', '1d'],
      'Longest pause between two attempts to publish; the first pause is 1s, and each one doubles.',
    ),
    max_remembered: integer(
      100_000,
      [1, 10_000_000],
      'Maximum published SMS remembered for deduplication; when full, the oldest is evicted.',
    ),
    max_kept: integer(
      10_000,
      [1, 1_000_000],
      'Maximum waiting and dead-lettered messages; when full, new messages are rejected with 503.',
    ),
  },
  broker: {
    url: url(
      '',
      ['amqp', 'amqps'],
      'RabbitMQ for outgoing SMS, such as amqp://swob:password@localhost; empty: no outgoing SMS.',
      {
        optional: true,
        secret: true,
      },
    ),
    management_url: url(
      '',
      http,
      'RabbitMQ management API, such as http://localhost:15672; empty: developers cannot subscribe.',
      {
        optional: true,
      },
    ),
    management_user: text('', 'Administrator user of the management API.'),
    management_password: text('', 'Password of that user.', { secret: true }),
    tenant_tags: defineKey(
      tenantTagsType,
      [],
      'management lets developers sign in to the RabbitMQ management page, which shows them the names of all queues.',
    ),
    timeout: duration(
      '10s',
      ['100ms', '2m'],
      'Timeout of publisher confirms and of management API responses.',
    ),
  },
  outgoing: {
    setup_id: text(
      '',
      'Id of the set-up credentials, which developers need to subscribe; empty: no developer can subscribe.',
    ),
    setup_key: text('', 'Key of the set-up credentials.', { secret: true }),
    sim: integer(
      1,
      [0, 2_147_483_647],
      "Subscription id of the SIM that DekuSMS sends an SMS with when its recipient has no sid; Android numbers a phone's SIMs from 1 as they are inserted.",
    ),
    rate: limit(
      'off',
      'Most SMS that one SIM of a developer gets for one operator, such as 20/1m, so that the operator does not block it; further ones wait. From 1s to 1d.',
    ),
    daily: limit('off', 'The same in a longer window, such as 200/1d.'),
    quiet: quietHours(
      'Hours in which SMS wait, such as 22:00-06:00 Africa/Douala, MTN Cameroon 20:00-07:00 Africa/Douala: of the operator that is named, or of all others.',
    ),
    max_failures: integer(
      5,
      [0, 1_000],
      'SMS in a row that the phones of a route fail to send, or on which they do not report while others do, after which SMS go to another route first for 10m; 0: never.',
    ),
    callback_events: someOf(
      ['sent', 'delivered', 'failed', 'expired', 'cancelled'],
      [],
      'States of SMS that are reported to callback URLs of requests without callback_events, besides the result of the request.',
    ),
    max_parts: integer(
      255,
      [1, 255],
      'Maximum parts of one SMS; a longer text is an error of its recipient.',
    ),
    report_grace: duration(
      '1m',
      ['0s', '1d'],
      'How long reports of phones are awaited after the time until which an SMS is valid; then it has expired.',
    ),
    callback_secret: text(
      '',
      'Secret that signs callbacks (webhook-signature, HMAC-SHA256); empty: callbacks are not signed.',
      {
        secret: true,
      },
    ),
    callback_allow: callbackTargets(
      'Callback targets that are allowed although they are not public: host names, addresses, CIDR ranges.',
    ),
    status_secret: text(
      '',
      'Secret of the tokens with which phones report what became of SMS (`swob sms outgoing token`); empty: reports are refused with 503.',
      { secret: true },
    ),
    max_callbacks: integer(
      10_000,
      [1, 1_000_000],
      'Maximum callbacks waiting for a retry; further ones are dropped.',
    ),
    keep: duration(
      '7d',
      ['1h', '90d'],
      'How long the state of an outgoing SMS is kept after it was accepted.',
    ),
    max_messages: integer(
      50_000,
      [1_000, 500_000],
      'Maximum of outgoing SMS whose state is kept, about 1 kB of memory each; above it the oldest are evicted, those in a final state first.',
    ),
    max_waiting: integer(
      10_000,
      [1, 1_000_000],
      'Maximum of outgoing SMS that wait for their time, a limit, quiet hours or RabbitMQ, a quarter of it for one developer, and not above max_messages; further ones are refused.',
    ),
  },
  twilio: {
    auth_token: text('', 'Auth token of the Twilio account; empty: webhooks of Twilio are rejected.', {
      secret: true,
    }),
  },
};
