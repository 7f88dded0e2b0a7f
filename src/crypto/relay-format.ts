// The length fields of RelaySMS payloads, which prove that a text is a whole payload. Written from docs/specification.md of
// RelaySMS-Publisher, and from the bridge and image payloads of the RelaySMS app. Used by payload-form.ts and for the parts of
// long SMS.

/**
 * `v0` to `v4` and `bridge` are whole payloads; `segment` is one SMS of an image, which the Publisher puts together with the
 * others.
 */
export type RelayFormat = 'v0' | 'v1' | 'v2' | 'v3' | 'v4' | 'bridge' | 'segment';

/** What the first bytes say about the whole payload. `exact`: it has no field of unknown length. */
export interface DeclaredSize {
  readonly format: Exclude<RelayFormat, 'segment'>;
  /** Bytes of the whole payload; the least when not `exact`. */
  readonly bytes: number;
  readonly exact: boolean;
}

/** Bytes of the fields from which the sizes are read. */
const headerBytes = 8;
const languageBytes = 2;
/** The device id of V0 has no length field: it is absent, or a hash or UUID. */
const v0DeviceIds: ReadonlySet<number> = new Set([0, 16, 32, 64]);
const shortcode = /^[A-Za-z]$/;

/** The sizes that the first bytes may declare, since a version byte may be the low byte of V0's length. */
export function declaredSizes(bytes: Buffer): readonly DeclaredSize[] {
  if (bytes.length < headerBytes) return [];
  return [versioned(bytes), bridge(bytes), v0(bytes)].filter((size) => size !== undefined);
}

/** The format of a whole payload; undefined when no length field says that these bytes are one. */
export function completeFormat(bytes: Buffer): DeclaredSize['format'] | undefined {
  const complete = declaredSizes(bytes).find((size) =>
    size.exact ? bytes.length === size.bytes : v0DeviceIds.has(bytes.length - size.bytes),
  );
  return complete?.format;
}

/** V1 to V4: version, length of the ciphertext (2), of the device id (1), platform, ciphertext, device id, language (2). */
function versioned(bytes: Buffer): DeclaredSize | undefined {
  const format = (['v1', 'v2', 'v3', 'v4'] as const)[bytes.readUInt8(0) - 1];
  const ciphertext = bytes.readUInt16LE(1);
  if (!format || ciphertext === 0 || !isShortcode(bytes, 4)) return undefined;
  return { format, bytes: 5 + ciphertext + bytes.readUInt8(3) + languageBytes, exact: true };
}

/**
 * A zero, version, kind. Kind 0 has a new key: length of the key (1), of the ciphertext (2), bridge, id of the server's key, key,
 * ciphertext, language. Kind 1 has none: length of the ciphertext (2), bridge, ciphertext, language.
 */
function bridge(bytes: Buffer): DeclaredSize | undefined {
  if (bytes.readUInt8(0) !== 0) return undefined;
  const format = 'bridge';
  if (bytes.readUInt8(2) === 0) {
    if (!isShortcode(bytes, 6)) return undefined;
    const size = 8 + bytes.readUInt8(3) + bytes.readUInt16LE(4) + languageBytes;
    return { format, bytes: size, exact: true };
  }
  if (bytes.readUInt8(2) !== 1 || !isShortcode(bytes, 5)) return undefined;
  return { format, bytes: 6 + bytes.readUInt16LE(3) + languageBytes, exact: true };
}

/** Length of the ciphertext (4), platform, ciphertext, device id. */
function v0(bytes: Buffer): DeclaredSize | undefined {
  const ciphertext = bytes.readUInt32LE(0);
  if (ciphertext === 0 || ciphertext > 0xffff || !isShortcode(bytes, 4)) return undefined;
  return { format: 'v0', bytes: 5 + ciphertext, exact: false };
}

function isShortcode(bytes: Buffer, at: number): boolean {
  return shortcode.test(bytes.toString('latin1', at, at + 1));
}

// Each repetition ends at a character that it cannot have itself, so that a text of any form is read once.
const segmentForm =
  /^(B[A-P][A-Za-z0-9+/]{2})([A-Za-z0-9+/]{7}=)?([A-Za-z0-9+/\r\n]{4,}(?:(?:={1,2}|[^\S\r\n])\s*)?)$/;

/**
 * The bytes of an image segment; undefined when it is none. A segment is base64 of 4, session and number, for number 0
 * of five more bytes, followed by a piece of another base64 text, which may end anywhere.
 */
export function decodeSegment(text: string): Buffer | undefined {
  const parts = segmentForm.exec(text);
  if (!parts) return undefined;
  const [, start = '', more = '', content = ''] = parts;
  const metadata = Buffer.from(start + more, 'base64');
  const isFirst = metadata.readUInt8(2) === 0;
  if (isFirst !== (more !== '') || (isFirst && metadata.readUInt8(3) === 0)) return undefined;
  return Buffer.concat([metadata, Buffer.from(content, 'base64')]);
}
