// The file that carries a store: JSON lines. A header, a line for each record, and a last line with the counts and the
// SHA-256 of all lines before it. Written and read by app/compose for `swob store export` and `import`.

import { createHash } from 'node:crypto';
import { SwobError } from '../errors.ts';
import {
  type ArchivedRecord,
  type Counts,
  idOf,
  isArchivedRecord,
  isRecordKind,
  noCounts,
  recordKinds,
} from './archive.ts';
import { isNumber, isObject, isText } from './shapes.ts';

const format = 'swob-store';
const version = 1;
/** Bytes of a line: some times the largest answer to a developer that is remembered. */
const maxLineBytes = 4 * 1_024 * 1_024;
const chunkBytes = 64 * 1_024;
const newline = 0x0a;

export interface ArchiveHeader {
  /** ISO 8601. */
  readonly made: string;
  /** Which program: `swob 0.1.0`. */
  readonly by: string;
}

export interface ArchiveEnd {
  readonly counts: Counts;
  readonly sha256: string;
}

/**
 * The bytes of the file, in chunks of about 64 KiB; returns what its last line says. A record whose id was there already
 * is left out: a store that is at work may tell one twice. Throws UNAVAILABLE when a record is too large to be read again.
 */
export async function* archiveBytes(
  header: ArchiveHeader,
  records: AsyncIterable<ArchivedRecord>,
): AsyncGenerator<Buffer, ArchiveEnd> {
  const hash = createHash('sha256');
  const counts = { ...noCounts };
  const seen = createSeen();
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
        `a record of ${record.kind} has more than ${maxLineBytes} bytes; remove it`,
      );
    }
    counts[record.kind]++;
    text += line;
    if (text.length >= chunkBytes) yield take();
  }
  yield take();
  const end: ArchiveEnd = { counts, sha256: hash.digest('hex') };
  yield Buffer.from(`${JSON.stringify(end)}\n`);
  return end;
}

/**
 * The records of a file, each checked as it comes, and the whole once the last one was taken; returns what the last line
 * says. Throws BAD_INPUT, naming file and line and never what stands there. Holds one line, and a few bytes an id.
 */
export async function* readArchive(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ArchivedRecord, ArchiveEnd> {
  let number = 0;
  const fault = (what: string): SwobError =>
    new SwobError('BAD_INPUT', `${name}${number > 0 ? ` line ${number}` : ''}: ${what}`);
  const cut = 'ends before its last line: it was cut short; take the whole file';
  const hash = createHash('sha256');
  const counts = { ...noCounts };
  const seen = createSeen();
  let order = 0;
  let end: ArchiveEnd | undefined;
  for await (const line of linesOf(chunks, () => fault(`a line of more than ${maxLineBytes} bytes`))) {
    number++;
    if (end) throw fault('more after what says that it is the last line');
    // The last line of the file, and not whole.
    if (!line.whole) throw fault(cut);
    const value = parse(line.bytes);
    if (number === 1) {
      checkHeader(value, fault);
    } else if (isEnd(value)) {
      end = value;
      if (hash.copy().digest('hex') !== end.sha256)
        throw fault('the digest is not that of the lines before it');
      const wrong = recordKinds.find((kind) => counts[kind] !== value.counts[kind]);
      if (wrong) throw fault(`${value.counts[wrong]} ${wrong} are counted, but ${counts[wrong]} are there`);
      continue;
    } else {
      if (!isArchivedRecord(value)) throw fault(faultOf(value));
      const position = recordKinds.indexOf(value.kind);
      if (position < order) throw fault(`${value.kind} after ${recordKinds[order]}: the order is wrong`);
      if (!seen.add(value)) throw fault(`one of ${value.kind} with this id is there already`);
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

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function checkHeader(value: unknown, fault: (what: string) => SwobError): void {
  if (!isObject(value) || value.format !== format) {
    throw fault('not a file of `swob store export`');
  }
  if (value.version !== version) {
    const known = `this swob reads version ${version}`;
    throw fault(`a version of the format that is not known here (${known}); use the swob that wrote it`);
  }
  if (!isText(value.made) || !isText(value.by))
    throw fault('the header does not say when it was made, and by what');
}

function isEnd(value: unknown): value is ArchiveEnd {
  if (!isObject(value) || !isText(value.sha256) || !isObject(value.counts)) return false;
  const { counts } = value;
  return (
    Object.keys(value).length === 2 &&
    Object.keys(counts).length === recordKinds.length &&
    recordKinds.every((kind) => isNumber(counts[kind]))
  );
}

function faultOf(value: unknown): string {
  if (value === undefined) return 'not JSON';
  if (!isObject(value) || !('kind' in value)) return 'no record of a store';
  return isRecordKind(value.kind)
    ? `not what a record of ${value.kind} looks like`
    : 'of a kind that is not known';
}

/** Which ids came already, for some 60 bytes each however long they are. */
function createSeen(): { add(record: ArchivedRecord): boolean } {
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
