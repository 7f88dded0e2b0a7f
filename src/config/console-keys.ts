// The keys of [console], the web console for operators. Part of the table in schema.ts.

import { duration, flag, integer } from './value-types.ts';

export const consoleKeys = {
  enabled: flag(
    true,
    'Serve the console for operators at /console of the gateway; it requires the admin token.',
  ),
  pairing: flag(
    false,
    'Serve the pairing page at /pair/<user> of the gateway. It requires no login and opens a pairing session for each visitor.',
  ),
  session: duration('12h', ['1m', '30d'], 'How long a login to the console is valid.'),
  max_clients: integer(
    256,
    [1, 100_000],
    'Maximum concurrent live streams of console pages; further ones are rejected with 503.',
  ),
};
