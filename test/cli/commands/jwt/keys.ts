// A folder with keys, a secret and a token for `swob jwt`, and the claims of a token.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { privatePem, publicPem, rs256, sampleClaims, sampleTime } from '../../../crypto/token-builder.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { temporaryFolder } from '../../../support/folders.ts';

export const clock = createFakeClock(sampleTime);
export const secret = 'a secret of at least thirty-two bytes';

/** A folder with private.pem, public.pem, secret and the sample token. */
export async function keyFolder() {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeFile(at('private.pem'), privatePem, { mode: 0o600 });
  await writeFile(at('public.pem'), publicPem);
  await writeFile(at('secret'), `${secret}\n`, { mode: 0o600 });
  await writeFile(at('token'), `${rs256(sampleClaims)}\n`);
  return { at, key: ['--key', at('public.pem')], token: `@${at('token')}` };
}

export const parse = (line: string): unknown => JSON.parse(line);
/** The payload of a token, without verifying its signature. */
export const claimsOf = (token: string): unknown =>
  parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
