// The body of POST /seeds/ping, with swob's schema. Used by the baselines of C1.

import { Type } from 'typebox';

export interface Ping {
  readonly IMSI: string;
  readonly MSISDN: string;
  readonly seed_type: 'seed' | 'seeder';
}

const identifier = Type.String({ pattern: '^[A-Za-z0-9_.+-]{1,64}$' });
export const pingBody = Type.Object({
  IMSI: identifier,
  MSISDN: identifier,
  seed_type: Type.Union([Type.Literal('seed'), Type.Literal('seeder')]),
});
