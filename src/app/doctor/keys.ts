// Checks that key files exist, are intact, match, and are not readable by other users. Used by `swob doctor`.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { usesNas } from '../../config/nas-keys.ts';
import type { Config } from '../../config/schema.ts';
import { isIntact } from '../../crypto/server-keys.ts';
import { readTokenSecret, readVerificationKey } from '../../crypto/token-keys.ts';
import { messageOf } from '../../errors.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';
import type { ServiceName } from '../compose/context.ts';
import { readNasSecret, secretModeProblem } from '../nas-secret-watcher.ts';
import { checkMode, octal, readConfigured } from './files.ts';

export async function checkKeys(config: Config, services: readonly ServiceName[]): Promise<Finding[]> {
  const { security, validation } = config;
  const findings: Promise<Finding>[] = [];
  if (services.includes('gateway')) {
    findings.push(checkPair(security.public_key_filepath, security.private_key_filepath));
    findings.push(checkAdminToken(security.admin_token_filepath));
  }
  if (validation.algorithms.some((algorithm) => algorithm !== 'HS256')) {
    findings.push(checkVerificationKey(validation.public_key, services.includes('disconnect')));
  }
  if (validation.secret_file !== '') findings.push(checkTokenSecret(validation.secret_file));
  if (services.includes('disconnect')) findings.push(...checkNasSecrets(config));
  return Promise.all(findings);
}

async function checkPair(publicFile: string, privateFile: string): Promise<Finding> {
  const check = 'gateway key';
  const [publicKey, privateKey] = await Promise.all([
    readConfigured(check, publicFile),
    readConfigured(check, privateFile),
  ]);
  if (publicKey.kind === 'unusable') return publicKey.finding;
  if (privateKey.kind === 'unusable') return privateKey.finding;
  if (privateKey.kind === 'missing') {
    if (publicKey.kind === 'missing')
      return ok(check, `${privateFile} does not exist yet: the first start creates it`);
    return fail(
      check,
      `${privateFile} is missing, but ${publicFile} exists`,
      'restore the private key, or move the public key away to get a new pair',
    );
  }
  const modeFinding = checkMode(check, privateKey, 'read', '0600');
  if (modeFinding) return modeFinding;
  try {
    const spki = (pem: string) => createPublicKey(pem).export({ type: 'spki', format: 'der' });
    const key = createPrivateKey(privateKey.text);
    const derivedPublicKey = createPublicKey(key);
    const bits = derivedPublicKey.asymmetricKeyDetails?.modulusLength ?? 0;
    if (derivedPublicKey.asymmetricKeyType !== 'rsa' || bits < 2_048) {
      return fail(
        check,
        `${privateFile} is not an RSA key of at least 2048 bits`,
        'move both files away to get a new pair',
      );
    }
    if (
      publicKey.kind === 'text' &&
      !spki(publicKey.text).equals(derivedPublicKey.export({ type: 'spki', format: 'der' }))
    ) {
      return fail(
        check,
        `${publicFile} does not belong to ${privateFile}`,
        'move the public key away: swob derives it from the private key again',
      );
    }
    if (!isIntact(key)) {
      const advice = 'restore it, or move both files away to get a new pair';
      return fail(check, `${privateFile} is damaged: it cannot decrypt what ${publicFile} encrypts`, advice);
    }
    return ok(check, `${privateFile}, RSA with ${bits} bits, mode ${octal(privateKey.mode)}`);
  } catch {
    return fail(
      check,
      `${privateFile} or ${publicFile} is damaged`,
      'restore them, or move both away to get a new pair',
    );
  }
}

async function checkAdminToken(file: string): Promise<Finding> {
  const check = 'admin token';
  const content = await readConfigured(check, file);
  if (content.kind === 'unusable') return content.finding;
  if (content.kind === 'missing') return ok(check, `${file} does not exist yet: the first start creates it`);
  const modeFinding = checkMode(check, content, 'read', '0600');
  if (modeFinding) return modeFinding;
  if (/^[\x21-\x7e]{16,256}$/.test(content.text.trim()))
    return ok(check, `${file}, mode ${octal(content.mode)}`);
  return fail(check, `${file} contains no valid token`, 'delete it: the next start creates a new one');
}

async function checkVerificationKey(file: string, needed: boolean): Promise<Finding> {
  const check = 'verification key';
  const content = await readConfigured(check, file, 'key');
  if (content.kind === 'unusable') return content.finding;
  if (content.kind === 'missing') {
    const advice = 'put the public key of the token issuer there, or create a pair with `swob jwt keygen`';
    if (needed) return fail(check, `${file} does not exist`, advice);
    return ok(check, `${file} does not exist: \`swob serve\` runs without the disconnect service`);
  }
  return (
    checkMode(check, content, 'write', '0440') ??
    checkByReading(check, content, () => readVerificationKey(content.text, file))
  );
}

/** One finding for each file of a NAS secret. */
function checkNasSecrets(config: Config): Promise<Finding>[] {
  if (!usesNas(config)) return [];
  const { nas } = config;
  const sections = new Map(nas.map(({ name, secret_file }) => [secret_file, name]));
  return [...sections].map(async ([file, name]) => {
    const check = `secret of NAS ${name}`;
    try {
      await readNasSecret(`[nas ${name}] secret_file`, file);
      const problem = await secretModeProblem(file);
      return problem === undefined ? ok(check, file) : warn(check, problem, `chmod 0400 ${file}`);
    } catch (error) {
      return fail(check, messageOf(error), 'put the secret that the NAS has there');
    }
  });
}

async function checkTokenSecret(file: string): Promise<Finding> {
  const check = 'token secret';
  const content = await readConfigured(check, file);
  if (content.kind === 'unusable') return content.finding;
  if (content.kind === 'missing')
    return fail(check, `${file} does not exist`, `create one: openssl rand -hex 32 > ${file}`);
  return (
    checkMode(check, content, 'read', '0600') ??
    checkByReading(check, content, () => readTokenSecret(content.text, file))
  );
}

function checkByReading(
  check: string,
  { file, mode }: { readonly file: string; readonly mode: number },
  read: () => void,
): Finding {
  try {
    read();
    return ok(check, `${file}, mode ${octal(mode)}`);
  } catch (error) {
    const [detail = '', ...advice] = messageOf(error).split('; ');
    return fail(check, detail, advice.join('; ') || 'put the right file there');
  }
}
