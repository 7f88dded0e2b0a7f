// The forms in which portals hand out keys: DER, PEM with literal \n or indentation, ssh-rsa, JWK. Used by token-keys.ts, and
// where key files are read.

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isObject, tryParseJson } from '../lib/json.ts';

/** The text of a key file. DER becomes PEM; other bytes that are not UTF-8 become U+FFFD. */
export function keyFileText(bytes: Uint8Array): string {
  return pemOfDer(Buffer.from(bytes)) ?? new TextDecoder().decode(bytes);
}

/** Undefined unless the bytes are one DER sequence that is a public key or a certificate. */
function pemOfDer(der: Buffer): string | undefined {
  // A sequence (0x30) whose length needs two bytes (0x82), as that of every RSA key that is accepted.
  if (der[0] !== 0x30 || der[1] !== 0x82 || der.length !== der.readUInt16BE(2) + 4) return undefined;
  const readers = [
    () => createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ type: 'spki', format: 'pem' }),
    () => createPublicKey({ key: der, format: 'der', type: 'pkcs1' }).export({ type: 'spki', format: 'pem' }),
    () => new X509Certificate(der).toString(),
  ];
  for (const read of readers) {
    try {
      return read().toString();
    } catch {
      // Not this form.
    }
  }
  return undefined;
}

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----([\s\S]*?)-----END \1-----/g;

/**
 * PEM with the line breaks that OpenSSL expects, from PEM that was copied from JSON or YAML: with literal `\n`, in quotes,
 * indented, or on one line. Blocks with headers, and text that is not PEM, stay as they are.
 */
export function canonicalPem(text: string): string {
  return text.replaceAll(block, (whole, label: string, body: string) => {
    const base64 = body.replace(/\\[rnt]|[\s\\"']/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return whole;
    const lines = base64.match(/.{1,64}/g) ?? [];
    return `\n-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
  });
}

/** A key in a form other than PEM, or what is wrong with it. */
export type OtherKeyForm =
  | { readonly kind: 'key'; readonly key: KeyObject }
  | { readonly kind: 'refused'; readonly problem: string; readonly remedy: string };

/** A public key as an `ssh-rsa` line, a JWK, or a JWK set of one key; undefined for all other text. */
export function readOtherKeyForm(text: string, file: string): OtherKeyForm | undefined {
  const trimmed = text.trim();
  if (/^ssh-[a-z0-9-]+ /.test(trimmed)) return readSshKey(trimmed);
  if (trimmed.startsWith('---- BEGIN SSH2 PUBLIC KEY')) {
    return refused('is an SSH2 key', `convert it: ssh-keygen -i -f ${file} -e -m PKCS8 > public.pem`);
  }
  const json = trimmed.startsWith('{') ? tryParseJson(trimmed) : undefined;
  return isObject(json) ? readJwk(json) : undefined;
}

/** RFC 4253, section 6.6: the name, the exponent and the modulus, each with its length in four bytes. */
function readSshKey(line: string): OtherKeyForm {
  const [first = '', ...others] = line.split(/[\r\n]+/);
  const [type, base64 = ''] = first.split(/[ \t]+/);
  if (type !== 'ssh-rsa') return refused(`is of type ${type}; RSA is needed`, rsaRemedy);
  if (others.length > 0) return refused('holds more than one line', oneKeyRemedy);
  const bytes = Buffer.from(base64, 'base64');
  const fields: Buffer[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && fields.length < 3) {
    const start = at + 4;
    at = start + bytes.readUInt32BE(at);
    fields.push(bytes.subarray(start, at));
  }
  const [name, e, n] = fields;
  if (at !== bytes.length || name?.toString() !== 'ssh-rsa' || !e || !n) {
    return refused('is a damaged ssh-rsa key', rsaRemedy);
  }
  return importJwk({ kty: 'RSA', e: e.toString('base64url'), n: withoutSign(n).toString('base64url') });
}

/** SSH writes a zero byte before a number whose first bit is set. */
function withoutSign(number: Buffer): Buffer {
  return number[0] === 0 ? number.subarray(1) : number;
}

function readJwk(json: Readonly<Record<string, unknown>>): OtherKeyForm {
  const { keys } = json;
  if (Array.isArray(keys)) {
    const [first] = keys;
    if (keys.length !== 1) return refused(`is a JWK set of ${keys.length} keys`, oneKeyRemedy);
    return isObject(first) && !('keys' in first)
      ? readJwk(first)
      : refused('is a damaged JWK set', rsaRemedy);
  }
  const { kty, e, n, use } = json;
  if ('d' in json) {
    return refused('holds a private key', 'keep that with the signer and put its public key there');
  }
  if (kty === 'oct') {
    return refused(
      'is a shared secret',
      'set [validation] secret_file and the algorithm HS256, or use an RSA key',
    );
  }
  if (kty !== 'RSA')
    return refused(`is a JWK of type ${JSON.stringify(kty)?.slice(0, 20)}; RSA is needed`, rsaRemedy);
  if (use !== undefined && use !== 'sig')
    return refused('is a JWK for another use than signatures', rsaRemedy);
  return typeof e === 'string' && typeof n === 'string'
    ? importJwk({ kty, e, n })
    : refused('is a damaged JWK', rsaRemedy);
}

function importJwk(key: { readonly kty: string; readonly e: string; readonly n: string }): OtherKeyForm {
  try {
    return { kind: 'key', key: createPublicKey({ key, format: 'jwk' }) };
  } catch {
    return refused('is damaged', rsaRemedy);
  }
}

const rsaRemedy = 'put the RSA public key of the service that signs tokens there';
const oneKeyRemedy = 'leave the one that tokens are signed for';

function refused(problem: string, remedy: string): OtherKeyForm {
  return { kind: 'refused', problem, remedy };
}

/** The command that converts a PEM of another kind to a public key; undefined when there is none. */
export function conversionOf(label: string, file: string): string | undefined {
  switch (label) {
    case 'CERTIFICATE REQUEST':
    case 'NEW CERTIFICATE REQUEST':
      return `openssl req -in ${file} -pubkey -noout -out public.pem`;
    case 'TRUSTED CERTIFICATE':
    case 'X509 CERTIFICATE':
      return `openssl x509 -in ${file} -pubkey -noout > public.pem`;
    case 'PKCS7':
      return `openssl pkcs7 -in ${file} -print_certs | openssl x509 -pubkey -noout > public.pem`;
    default:
      return undefined;
  }
}
