// The keys of relaying to a RelaySMS Publisher. Part of the table in schema.ts.

import { isCountryCode } from './number-keys.ts';
import { defineKey, duration, integer, text, url, type ValueType } from './value-types.ts';

const countriesType: ValueType<readonly string[]> = {
  name: 'comma-separated ISO country codes',
  parse: (value) => {
    if (value === '') return [];
    const codes = value.split(',').map((code) => code.trim().toUpperCase());
    if (!codes.every(isCountryCode)) throw new Error('expected ISO country codes such as CM, NG');
    return [...new Set(codes)];
  },
  format: (codes) => codes.join(', '),
};

export const relayKeys = {
  url: url(
    '',
    ['http', 'https'],
    'RelaySMS Publisher, such as https://publisher.example.org; /v1/publications is added unless it is there. Texts that are not SMS of paired phones, but may be its payloads, are posted there unchanged; empty: they are refused.',
    { optional: true, credentials: false },
  ),
  tag: text(
    '',
    'Secret that is sent to it with each payload, and required from clients of /v1/publications.',
    {
      secret: true,
    },
  ),
  max_age: duration(
    '1d',
    ['1s', '30d'],
    'A payload that could not be relayed for this long is dead-lettered (`swob sms failed`).',
  ),
  allow: defineKey(
    countriesType,
    [],
    'Countries of the senders whose payloads are relayed, such as CM, NG; empty: all.',
  ),
  min_bytes: integer(
    8,
    [1, 1_000],
    'Fewest bytes of a payload; shorter base64 is refused as an ordinary SMS.',
  ),
  timeout: duration('30s', ['10ms', '10m'], 'Timeout of each response of the RelaySMS Publisher.'),
};
