// Key files: there, whole, belonging together, and readable by nobody else. Used by `swob doctor`.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import { readTokenSecret, readVerificationKey } from '../../crypto/verification-key.ts';
import { errnoOf, messageOf } from '../../errors.ts';
import type { ServiceName } from '../compose/world.ts';
import { type Finding, fail, ok } from './finding.ts';

const others = { read: 0o077, write: 0o022 } as const;

export async function checkKeys(config: Config, services: readonly ServiceName[]): Promise<Finding[]> {
  const { security, validation } = config;
  const findings: Promise<Finding>[] = [];
  if (services.includes('gateway')) {
    findings.push(checkPair(security.public_key_filepath, security.private_key_filepath));
    findings.push(checkToken(security.admin_token_filepath));
  }
  if (validation.algorithms.some((algorithm) => algorithm !== 'HS256')) {
    findings.push(checkVerificationKey(validation.public_key, services.includes('disconnect')));
  }
  if (validation.secret_file !== '') findings.push(checkSecret(validation.secret_file));
  return Promise.all(findings);
}

async function checkPair(publicFile: string, privateFile: string): Promise<Finding> {
  const check = 'gateway key';
  const [publicPem, privatePem] = await Promise.all([textOf(publicFile), textOf(privateFile)]);
  for (const [file, text] of [
    [publicFile, publicPem],
    [privateFile, privatePem],
  ] as const) {
    if (text instanceof Error) return unreadable(check, file, text);
  }
  if (privatePem === undefined && publicPem === undefined) {
    return ok(check, `${privateFile} is not there yet: the first start makes it`);
  }
  if (privatePem === undefined) {
    return fail(
      check,
      `${privateFile} is missing, but ${publicFile} is there`,
      'restore the private key, or delete the public one to get a new pair',
    );
  }
  const loose = await looseMode(check, privateFile, 'read', '0600');
  if (loose) return loose;
  try {
    const spki = (pem: string) => createPublicKey(pem).export({ type: 'spki', format: 'der' });
    const own = createPublicKey(createPrivateKey(String(privatePem)));
    const bits = own.asymmetricKeyDetails?.modulusLength ?? 0;
    if (own.asymmetricKeyType !== 'rsa' || bits < 2_048) {
      return fail(
        check,
        `${privateFile} is no RSA key of 2048 bits or more`,
        'delete both files to get a new pair',
      );
    }
    if (
      typeof publicPem === 'string' &&
      !spki(publicPem).equals(own.export({ type: 'spki', format: 'der' }))
    ) {
      return fail(
        check,
        `${publicFile} does not belong to ${privateFile}`,
        'delete the public one: it is made again from the private one',
      );
    }
    return ok(check, `${privateFile}, RSA with ${bits} bits, mode ${await modeOf(privateFile)}`);
  } catch {
    return fail(
      check,
      `${privateFile} or ${publicFile} is damaged`,
      'restore them, or delete both to get a new pair',
    );
  }
}

async function checkToken(file: string): Promise<Finding> {
  const check = 'admin token';
  const text = await textOf(file);
  if (text instanceof Error) return unreadable(check, file, text);
  if (text === undefined) return ok(check, `${file} is not there yet: the first start makes it`);
  const loose = await looseMode(check, file, 'read', '0600');
  if (loose) return loose;
  if (/^[\x21-\x7e]{16,256}$/.test(text.trim())) return ok(check, `${file}, mode ${await modeOf(file)}`);
  return fail(check, `${file} holds no token`, 'delete it: the next start makes a new one');
}

async function checkVerificationKey(file: string, needed: boolean): Promise<Finding> {
  const check = 'verification key';
  const text = await textOf(file);
  if (text instanceof Error) return unreadable(check, file, text);
  if (text === undefined) {
    const advice =
      'put the key of the service that signs tokens there, or make a pair with `swob jwt keygen`';
    if (needed) return fail(check, `${file} is not there`, advice);
    return ok(check, `${file} is not there: \`swob serve\` runs without the disconnect service`);
  }
  const loose = await looseMode(check, file, 'write', '0440');
  if (loose) return loose;
  return byReading(check, file, () => readVerificationKey(text, file));
}

async function checkSecret(file: string): Promise<Finding> {
  const check = 'token secret';
  const text = await textOf(file);
  if (text instanceof Error) return unreadable(check, file, text);
  if (text === undefined)
    return fail(check, `${file} is not there`, `make one: openssl rand -hex 32 > ${file}`);
  const loose = await looseMode(check, file, 'read', '0600');
  return loose ?? byReading(check, file, () => readTokenSecret(text, file));
}

async function byReading(check: string, file: string, read: () => void): Promise<Finding> {
  try {
    read();
    return ok(check, `${file}, mode ${await modeOf(file)}`);
  } catch (error) {
    const [detail = '', ...advice] = messageOf(error).split('; ');
    return fail(check, detail, advice.join('; '));
  }
}

/** What is wrong with the mode of a file; undefined when nothing is. */
export async function looseMode(
  check: string,
  file: string,
  how: keyof typeof others,
  mode: string,
): Promise<Finding | undefined> {
  const { mode: actual } = await stat(file);
  if ((actual & others[how]) === 0) return undefined;
  const may = how === 'read' ? 'used by others' : 'written by others';
  return fail(check, `${file} has mode ${octal(actual)} and can be ${may}`, `chmod ${mode} ${file}`);
}

/** Undefined when there is no such file. */
export async function textOf(file: string): Promise<string | undefined | Error> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}

export function unreadable(check: string, file: string, error: Error): Finding {
  return fail(
    check,
    `cannot read ${file}: ${messageOf(error)}`,
    'run this as the user of the service, who must be able to read it',
  );
}

async function modeOf(file: string): Promise<string> {
  return octal((await stat(file)).mode);
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
