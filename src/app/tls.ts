// Certificates as the old server's sections name them: crt, key and a chain in pem.

import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf, SwobError } from '../errors.ts';

export interface TlsFiles {
  readonly crt: string;
  readonly key: string;
  readonly pem: string;
}

/** The certificate with its chain and the key; undefined when none is configured. Throws CONFIG. */
export async function loadTls(
  section: 'api_ssl' | 'websocket_ssl' | 'disconnect_ssl',
  files: TlsFiles,
): Promise<{ cert: string; key: string } | undefined> {
  if (files.crt === '') return undefined;
  const read = async (name: keyof TlsFiles): Promise<string> => {
    try {
      return await readFile(files[name], 'utf8');
    } catch (error) {
      throw new SwobError('CONFIG', `[${section}] ${name}: cannot read ${files[name]}: ${messageOf(error)}`);
    }
  };
  const cert = [await read('crt'), files.pem === '' ? '' : await read('pem')].join('\n');
  const key = await read('key');
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `[${section}] ${files.crt} and ${files.key} cannot be used together: ${messageOf(error)}`,
    );
  }
  return { cert, key };
}
