// The disconnect service as a process, with keys created by `swob jwt keygen` and tokens that are signed by
// hand. Used by the tests of this folder.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { rs256, sampleClaims } from '../crypto/token-builder.ts';
import { type RunningSwob, runSwob, startSwob } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';

export interface Keys {
  /** The working folder of commands; the keys are in its `keys/`. */
  readonly folder: string;
  readonly publicFile: string;
  readonly privateFile: string;
  /** The sample claims with the given ones, valid for one hour. */
  token(claims?: object): string;
}

/** Those that a worker has made, which tests share: a start of the command and a key take half a second of CPU time. */
let made: readonly Buffer[] | undefined;

/** @param options `own`: keys that no other test has */
export async function makeKeys(options: { readonly own?: boolean } = {}): Promise<Keys> {
  const folder = temporaryFolder();
  const [privateFile, publicFile] = [join(folder, 'keys/private.pem'), join(folder, 'keys/public.pem')];
  if (made && !options.own) {
    mkdirSync(join(folder, 'keys'));
    for (const [index, file] of [privateFile, publicFile].entries())
      writeFileSync(file, made[index] ?? '', { mode: index === 0 ? 0o600 : 0o440 });
  } else {
    const { code, stderr } = await runSwob(['jwt', 'keygen', '--dir', 'keys'], { cwd: folder });
    if (code !== 0) throw new Error(`keygen: ${stderr}`);
    if (!options.own) made = [privateFile, publicFile].map((file) => readFileSync(file));
  }
  const key: KeyObject = createPrivateKey(readFileSync(privateFile));
  const iat = Math.floor(Date.now() / 1000);
  return {
    folder,
    publicFile,
    privateFile,
    token: (claims = {}) =>
      rs256({ ...sampleClaims, iat, exp: iat + 3_600, ...claims }, { alg: 'RS256' }, key),
  };
}

export type DisconnectProcess = RunningSwob<{ readonly disconnect: { readonly url: string } }>;

/** `swob serve disconnect` on a free port, with these keys and this PCRF. */
export function serveDisconnect(
  keys: Keys,
  pcrfUrl: string,
  set: readonly string[] = [],
): Promise<DisconnectProcess> {
  const { hostname, port } = new URL(pcrfUrl);
  const all = [
    'disconnect.host=127.0.0.1',
    'disconnect.port=0',
    `pcrf.host=${hostname}`,
    `pcrf.port=${port}`,
    `validation.public_key=${keys.publicFile}`,
    ...set,
  ];
  return startSwob(['serve', 'disconnect', ...all.flatMap((setting) => ['--set', setting])], {
    cwd: keys.folder,
  });
}

/** The documented call on a new connection; resolves to `<status> <body>`. */
export function call(url: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/disconnect?token=${token}`, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
    });
    sent.on('error', reject).end();
  });
}
