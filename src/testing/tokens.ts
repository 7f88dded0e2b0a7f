// Tokens for the disconnect service of a playground. Used by index.ts.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sampleClaims } from '../cli/playground/environment.ts';
import { signToken } from '../crypto/jwt.ts';
import type * as declared from './declarations.d.ts';

export const mintToken: typeof declared.mintToken = ({ jwtPrivateKeyFile, session }, claims) => {
  const key = createPrivateKey(readFileSync(jwtPrivateKeyFile, 'utf8'));
  return signToken(JSON.stringify({ ...sampleClaims(Date.now(), session), ...claims }), key, 'RS256');
};
