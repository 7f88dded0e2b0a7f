// The form of a token (RFC 7515 compact serialisation), checked strictly and before any cryptography, in
// time and memory bounded by its length. Used by jwt.ts.

import { isObject } from '../lib/json.ts';
import { findMemberError } from './strict-json.ts';

/** In characters. A token of the disconnect service has about 600. */
export const maxTokenLength = 8 * 1024;
const maxKeyIdLength = 256;

export type JsonObject = Readonly<Record<string, unknown>>;

export interface TokenParts {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  /** The JSON as it was signed, with every digit of its numbers. */
  readonly headerText: string;
  readonly payloadText: string;
  readonly signature: Buffer;
}

/** The parts of a well-formed token, or an error message. Nothing is verified. */
export function parseToken(token: string): TokenParts | string {
  if (token.length > maxTokenLength) return `it is longer than ${maxTokenLength} characters`;
  const encoded = token.split('.');
  if (encoded.length !== 3) {
    const parts = encoded.length === 1 ? '1 part' : `${encoded.length} parts`;
    return `it has ${parts}, not 3 (header.payload.signature)`;
  }
  const decoded: Buffer[] = [];
  for (const [index, name] of (['header', 'payload', 'signature'] as const).entries()) {
    const part = encoded[index] ?? '';
    if (part === '') return `its ${name} is empty`;
    const bytes = Buffer.from(part, 'base64url');
    // Node's decoder ignores padding, white space and the other alphabet, so compare with the canonical encoding.
    if (bytes.toString('base64url') !== part) return `its ${name} is not canonical base64url`;
    decoded.push(bytes);
  }
  const [headerBytes = empty, payloadBytes = empty, signature = empty] = decoded;
  const header = parseObject(headerBytes);
  if (typeof header === 'string') return `its header ${header}`;
  const payload = parseObject(payloadBytes);
  if (typeof payload === 'string') return `its payload ${payload}`;
  return {
    header: header.value,
    payload: payload.value,
    headerText: header.text,
    payloadText: payload.text,
    signature,
  };
}

const empty = Buffer.alloc(0);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseObject(bytes: Buffer): { readonly value: JsonObject; readonly text: string } | string {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
  } catch {
    return 'is not UTF-8';
  }
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  if (!isObject(value)) return 'is not a JSON object';
  return findMemberError(text) ?? { value, text };
}

/** Members that change how a token must be read, which swob does not support: to ignore them would be to misread it. */
const refusedMembers = ['crit', 'b64', 'zip', 'enc'];

/**
 * Errors of the header of a token that must be signed with one of `algorithms`. Keys that it carries or points to
 * (`jwk`, `jku`, `x5u`, `x5c`) are ignored, and `kid` selects nothing.
 */
export function headerErrors(header: JsonObject, algorithms: readonly string[]): string[] {
  const errors = refusedMembers
    .filter((name) => Object.hasOwn(header, name))
    .map((name) => `${name} in its header is not supported`);
  const { alg, typ, kid } = header;
  if (typeof alg !== 'string') errors.push('alg is missing');
  else if (!algorithms.includes(alg)) {
    errors.push(`alg is ${JSON.stringify(alg.slice(0, 20))}; only ${algorithms.join(', ')} is accepted`);
  }
  // Some libraries write JWS, the type of the signature, instead of JWT.
  if (typ !== undefined && !(typeof typ === 'string' && /^jw[ts]$/i.test(typ))) errors.push('typ is not JWT');
  if (kid !== undefined && !isKeyId(kid)) errors.push('kid is not a plain key id');
  return errors;
}

/** A name, a UUID or a thumbprint: never a path, a query or a quoted text, which other readers might act on. */
function isKeyId(kid: unknown): boolean {
  return typeof kid === 'string' && kid.length <= maxKeyIdLength && /^[A-Za-z0-9._:=+~@-]+$/.test(kid);
}
