// Brings a folder of an earlier format up to the current one when it is opened: format 1 had no checksums, and both 1 and 2
// had other names for members and folders. A process that is killed meanwhile leaves files of both forms, and the next one
// migrates the rest.

import type { Log } from '../../domain/shared/ports.ts';
import { tryParseJson } from '../../lib/json.ts';
import { withCurrentNames } from '../former-names.ts';
import { isChecksummed, verifyChecksum, withChecksum } from './checksum.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { lpsFile } from './lps-file.ts';
import { recordFiles, recordKinds } from './record-file.ts';
import { closingLine, headerLine, isSegmentHeader, type SegmentHeader } from './segment-lines.ts';

/** What a killed write left beside its file in format 1. */
const leftover = /\.json\.\d+$/;
const movedFolders = [
  ['published', 'receipts'],
  ['answers', 'responses'],
] as const;
const journals = ['attempts-inbound', 'attempts-callbacks'];

/**
 * Leaves what is damaged as it is, to be reported when it is read. The returned function removes what the current format has
 * no use for, once meta.json names that format. Throws UNAVAILABLE.
 */
export async function migrateStore(disk: Disk, queue: DiskQueue, log: Log): Promise<() => Promise<void>> {
  log.info({ folder: disk.folder }, 'migrating the store to the current format; a large one takes a minute');
  let records = 0;
  const migrateRecord = async (name: string, convert = (json: string): string => json): Promise<void> => {
    if (leftover.test(name)) return disk.remove(name);
    const text = await disk.read(name);
    const migrated = text === undefined ? undefined : migrateText(text, convert);
    if (migrated === undefined || migrated === text) return;
    await disk.write(name, migrated);
    records++;
  };
  for (const name of await disk.list('.')) if (leftover.test(name)) await disk.remove(name);
  await migrateRecord(lpsFile, (lps) => `{"journal":0,"lps":${lps}}`);
  for (const kind of recordKinds) {
    for await (const names of recordFiles(disk, kind)) {
      await Promise.all(names.map((name) => queue.run(() => migrateRecord(name))));
    }
  }
  for (const [from, to] of movedFolders) await copySegments(disk, from, to);
  for (const journal of journals) await migrateJournal(disk, journal);
  log.info({ folder: disk.folder, records }, 'the store has the current format');
  return async () => {
    for (const [from] of movedFolders) await removeFiles(disk, from);
    // Counted guesses last for minutes only.
    await removeFiles(disk, 'limits');
  };
}

/** Undefined for a damaged text. `convert` is applied to JSON of format 1. */
function migrateText(text: string, convert = (json: string): string => json): string | undefined {
  const checked = verifyChecksum(text);
  if (checked === undefined && (isChecksummed(text) || tryParseJson(text) === undefined)) return undefined;
  const value = tryParseJson(checked ?? convert(text));
  return withChecksum(JSON.stringify(withCurrentNames(value)));
}

/** The files stay until the whole migration is done, so that it can be repeated. */
async function copySegments(disk: Disk, from: string, to: string): Promise<void> {
  let before: { readonly segment: number; readonly bytes: number; readonly copiedBytes: number } | undefined;
  for (const segment of await segmentNumbers(disk, from)) {
    const text = (await disk.read(`${from}/${segment}.ndjson`)) ?? '';
    // Nothing but a line end may follow the last line; a partial line was never acknowledged.
    const [first = '', ...lines] = text.split('\n').slice(0, -1);
    const header = headerOf(first);
    const migrated = lines.map((line) => migrateText(line) ?? line);
    const copied = header
      ? [headerLine(movedHeader(header, before)), ...migrated, '']
      : [
          headerLine({ after: before ? { segment: before.segment, bytes: before.copiedBytes } : null }),
          migrateText(first) ?? first,
          ...migrated,
          closingLine,
          '',
        ];
    const content = copied.join('\n');
    await disk.write(`${to}/${segment}.ndjson`, content);
    before = { segment, bytes: Buffer.byteLength(text), copiedBytes: Buffer.byteLength(content) };
  }
}

/** Undefined in format 1, whose segments had no headers. */
function headerOf(line: string): SegmentHeader | undefined {
  const json = verifyChecksum(line);
  const value = json === undefined ? undefined : tryParseJson(json);
  return isSegmentHeader(value) ? value : undefined;
}

/** As many bytes of the segment before are missing as were missing there. */
function movedHeader(
  { after }: SegmentHeader,
  before: { readonly segment: number; readonly bytes: number; readonly copiedBytes: number } | undefined,
): SegmentHeader {
  if (!after || !before || after.segment !== before.segment) return { after };
  return { after: { segment: after.segment, bytes: before.copiedBytes + after.bytes - before.bytes } };
}

async function migrateJournal(disk: Disk, folder: string): Promise<void> {
  for (const number of await segmentNumbers(disk, folder)) {
    const name = `${folder}/${number}.ndjson`;
    const text = (await disk.read(name)) ?? '';
    const migrated = text
      .split('\n')
      .map((line) => migrateText(line) ?? line)
      .join('\n');
    if (migrated !== text) await disk.write(name, migrated);
  }
}

async function segmentNumbers(disk: Disk, folder: string): Promise<number[]> {
  return (await disk.list(folder))
    .flatMap((file) => /^(\d{1,15})\.ndjson$/.exec(file)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

async function removeFiles(disk: Disk, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`);
}
