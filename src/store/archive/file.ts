// The export file of a store as JSON lines: a header, one line per record, and a trailer with the counts and the
// SHA-256 of all preceding lines. Written and read by app/compose for `swob store export` and `import`.

import { createHash } from 'node:crypto';
import { SwobError } from '../../errors.ts';
import { isObject, parseJson } from '../../lib/json.ts';
import { currentName, withCurrentNames } from '../former-names.ts';
import { isNumber, isText } from '../guards.ts';
import {
  type ArchivedRecord,
  idOf,
  isArchivedRecord,
  isRecordKind,
  type RecordCounts,
  type RecordKind,
  recordKinds,
  zeroCounts,
} from './archive.ts';

const format = 'swob-store';
/** Version 1 had other names of members and kinds. */
const version = 2;
/** Maximum of bytes per line: several times the largest stored response to a developer. */
const maxLineBytes = 4 * 1_024 * 1_024;
const chunkBytes = 64 * 1_024;
const newline = 0x0a;

export interface ArchiveHeader {
  /** ISO 8601. */
  readonly made: string;
  /** The program that wrote it: `swob 0.1.0`. */
  readonly by: string;
}

export interface ArchiveTrailer {
  readonly counts: RecordCounts;
  readonly sha256: string;
}

/** As it stands in the file. */
interface Trailer {
  readonly counts: Partial<RecordCounts>;
  readonly sha256: string;
}

/**
 * The bytes of the file in chunks of about 64 KiB; returns its trailer. Skips a record whose id it has written, since
 * a store in use may yield one twice. Throws UNAVAILABLE for a record that is too large to be read again.
 */
export async function* writeArchive(
  header: ArchiveHeader,
  records: AsyncIterable<ArchivedRecord>,
): AsyncGenerator<Buffer, ArchiveTrailer> {
  const hash = createHash('sha256');
  const counts = { ...zeroCounts };
  const seen = createDuplicateCheck();
  let text = `${JSON.stringify({ format, version, ...header })}\n`;
  const take = (): Buffer => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    text = '';
    return bytes;
  };
  for await (const record of records) {
    if (!seen.add(record)) continue;
    const line = `${JSON.stringify(record)}\n`;
    if (Buffer.byteLength(line) > maxLineBytes) {
      throw new SwobError(
        'UNAVAILABLE',
        `a record of ${record.kind} exceeds ${maxLineBytes} bytes; remove it`,
      );
    }
    counts[record.kind]++;
    text += line;
    if (text.length >= chunkBytes) yield take();
  }
  yield take();
  const end: ArchiveTrailer = { counts, sha256: hash.digest('hex') };
  yield Buffer.from(`${JSON.stringify(end)}\n`);
  return end;
}

/**
 * Checks and yields one record after the other and, at the end, the whole file; returns its trailer. Throws BAD_INPUT
 * with the file's name and line, and never with its content. Holds one line and 16 bytes per id in memory.
 */
export async function* readArchive(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ArchivedRecord, ArchiveTrailer> {
  let number = 0;
  const fault = (what: string): SwobError =>
    new SwobError('BAD_INPUT', `${name}${number > 0 ? ` line ${number}` : ''}: ${what}`);
  const cut = 'ends before its last line: it was truncated; use the complete file';
  const hash = createHash('sha256');
  const counts = { ...zeroCounts };
  const seen = createDuplicateCheck();
  let order = 0;
  let isFormer = false;
  let end: ArchiveTrailer | undefined;
  for await (const line of linesOf(chunks, () => fault(`the line exceeds ${maxLineBytes} bytes`))) {
    number++;
    if (end) throw fault('there are lines after the trailer');
    // Only the last line of a file can lack a line end.
    if (!line.whole) throw fault(cut);
    const given = parseLine(line.bytes);
    const value: unknown = isFormer ? fromFormerVersion(given) : given;
    if (number === 1) {
      isFormer = checkHeader(value, fault) === 1;
    } else if (isTrailer(value)) {
      end = { ...value, counts: { ...zeroCounts, ...value.counts } };
      if (hash.copy().digest('hex') !== end.sha256)
        throw fault('the digest does not match the lines before it');
      const expected = end.counts;
      const wrong = recordKinds.find((kind) => counts[kind] !== expected[kind]);
      if (wrong)
        throw fault(`the trailer counts ${expected[wrong]} ${wrong}, but the file has ${counts[wrong]}`);
      continue;
    } else {
      if (!isArchivedRecord(value)) throw fault(describeFault(value));
      const position = recordKinds.indexOf(value.kind);
      if (position < order) throw fault(`${value.kind} must not follow ${recordKinds[order]}`);
      if (!seen.add(value)) throw fault(`the id occurs twice in ${value.kind}`);
      order = position;
      counts[value.kind]++;
      yield value;
    }
    hash.update(line.bytes).update('\n');
  }
  if (number === 0) throw fault('is empty');
  if (!end) throw fault(cut);
  return end;
}

interface Line {
  /** Without its line end. */
  readonly bytes: Buffer;
  /** It has a line end. */
  readonly whole: boolean;
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>, tooLong: () => SwobError): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    length += part.length;
    if (length > maxLineBytes) throw tooLong();
    parts.push(part);
  };
  const take = (): Buffer => {
    const bytes = Buffer.concat(parts);
    parts = [];
    length = 0;
    return bytes;
  };
  for await (const each of chunks) {
    const chunk = Buffer.from(each.buffer, each.byteOffset, each.byteLength);
    let start = 0;
    for (let stop = chunk.indexOf(newline); stop >= 0; stop = chunk.indexOf(newline, start)) {
      add(chunk.subarray(start, stop));
      yield { bytes: take(), whole: true };
      start = stop + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (length > 0) yield { bytes: take(), whole: false };
}

function parseLine(bytes: Buffer): unknown {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** @returns the version of the format */
function checkHeader(value: unknown, fault: (what: string) => SwobError): 1 | 2 {
  if (!isObject(value) || value.format !== format) {
    throw fault('this is not a file of `swob store export`');
  }
  if (value.version !== 1 && value.version !== version) {
    const known = `this swob reads versions 1 and ${version}`;
    throw fault(`unknown version of the format (${known}); use the swob that wrote it`);
  }
  if (!isText(value.made) || !isText(value.by)) throw fault('the header lacks its time or program');
  return value.version;
}

function fromFormerVersion(value: unknown): unknown {
  const renamed = withCurrentNames(value);
  return isObject(renamed) && isText(renamed.kind)
    ? { ...renamed, kind: currentName(renamed.kind) }
    : renamed;
}

/** Kinds that files of earlier versions lack. */
const laterKinds: ReadonlySet<RecordKind> = new Set([
  'clients',
  'tests',
  'disconnects',
  'messages',
  'waitingSms',
]);

function isTrailer(value: unknown): value is Trailer {
  if (!isObject(value) || !isText(value.sha256) || !isObject(value.counts)) return false;
  const { counts } = value;
  return (
    Object.keys(value).length === 2 &&
    Object.keys(counts).every(isRecordKind) &&
    recordKinds.every((kind) => isNumber(counts[kind]) || laterKinds.has(kind))
  );
}

function describeFault(value: unknown): string {
  if (value === undefined) return 'not JSON';
  if (!isObject(value) || !('kind' in value)) return 'no record of a store';
  return isRecordKind(value.kind) ? `not a valid record of ${value.kind}` : 'a record of an unknown kind';
}

/** Detects repeated ids; about 60 bytes per id, however long they are. */
function createDuplicateCheck(): { add(record: ArchivedRecord): boolean } {
  const digests = new Set<string>();
  return {
    add: (record) => {
      const id = JSON.stringify([record.kind, idOf(record)]);
      const digest = createHash('sha256').update(id).digest().toString('latin1', 0, 16);
      if (digests.has(digest)) return false;
      digests.add(digest);
      return true;
    },
  };
}
