// A history as text, for the store and for other nodes: column by column, equal changes in a row as one pair of numbers, so that
// what does not change takes no space. Used by the monitor and the cluster's history.

import { Buffer } from 'node:buffer';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { type History, type HistoryRow, resolutions, type Step } from './history.ts';
import { type SeriesName, seriesNames } from './series.ts';

/** More than a whole history of changing values has. */
const maxHistoryCharacters = 2_000_000;
const version = 1;

interface EncodedRing {
  readonly step: number;
  readonly rows: number;
  /** Base64 of the numbers of the periods, then of one column for each series. */
  readonly data: string;
}

/** @param since Unix time in milliseconds: the periods that it lies in, and later ones; 0 for all */
export function encodeHistory(history: History, since = 0): string {
  const rings = resolutions.map(({ step }): EncodedRing => {
    const buckets = history.buckets(step, Math.floor(since / 1_000 / step));
    const bytes: number[] = [];
    writeColumn(bytes, buckets);
    for (const name of seriesNames) {
      // 0 means unknown.
      writeColumn(
        bytes,
        buckets.map((bucket) => (history.value(step, bucket, name) ?? -1) + 1),
      );
    }
    return { step, rows: buckets.length, data: Buffer.from(bytes).toString('base64') };
  });
  return JSON.stringify({ version, series: seriesNames, rings });
}

/**
 * Assigns the periods of an encoded history. False, with nothing or only a part assigned, when the text is not one. Series that
 * this version does not have are dropped.
 */
export function decodeInto(history: Pick<History, 'assign'>, text: string): boolean {
  if (text.length > maxHistoryCharacters) return false;
  const value = tryParseJson(text);
  if (!isObject(value) || value.version !== version) return false;
  const { series, rings } = value;
  if (!Array.isArray(series) || series.length > 256 || !Array.isArray(rings)) return false;
  if (rings.length > resolutions.length) return false;
  return rings.every((ring: unknown) => {
    const decoded = decodeRing(ring, series);
    for (const row of decoded?.rows ?? []) history.assign(decoded?.step ?? 1, row);
    return decoded !== undefined;
  });
}

function decodeRing(
  ring: unknown,
  series: readonly unknown[],
): { readonly step: Step; readonly rows: HistoryRow[] } | undefined {
  if (!isObject(ring) || typeof ring.data !== 'string') return undefined;
  const { rows } = ring;
  const resolution = resolutions.find(({ step }) => step === ring.step);
  if (!resolution || typeof rows !== 'number' || !Number.isInteger(rows)) return undefined;
  if (rows < 0 || rows > resolution.size) return undefined;
  const reader = createReader(Buffer.from(ring.data, 'base64'));
  const buckets = reader.column(rows);
  const columns = series.map(() => reader.column(rows));
  if (!buckets || !reader.isAtEnd()) return undefined;
  const known = columns.flatMap((column, index) => {
    const name = seriesNames.find((each) => each === series[index]);
    return name && column ? [[name, column] as const] : [];
  });
  return {
    step: resolution.step,
    rows: buckets.map((bucket, index) => ({ bucket, values: valuesAt(known, index) })),
  };
}

function valuesAt(columns: readonly (readonly [SeriesName, readonly number[]])[], index: number) {
  const values: Partial<Record<SeriesName, number>> = {};
  for (const [name, column] of columns) {
    const value = column[index] ?? 0;
    if (value > 0) values[name] = value - 1;
  }
  return values;
}

/** Pairs of a change (zigzag) and how often it follows itself. */
function writeColumn(bytes: number[], values: readonly number[]): void {
  let last = 0;
  for (let at = 0; at < values.length; ) {
    const change = (values[at] ?? 0) - last;
    let length = 0;
    while (at < values.length && (values[at] ?? 0) - last === change) {
      last = values[at] ?? 0;
      at++;
      length++;
    }
    writeNumber(bytes, change < 0 ? -2 * change - 1 : 2 * change);
    writeNumber(bytes, length - 1);
  }
}

/** Seven bits a byte, the lowest first. Not by shifts, which end at 32 bits. */
function writeNumber(bytes: number[], number: number): void {
  let rest = number;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}

function createReader(bytes: Uint8Array) {
  let at = 0;
  let isValid = true;
  const number = (): number => {
    let value = 0;
    for (let factor = 1; factor <= 128 ** 5; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
    isValid = false;
    return 0;
  };
  return {
    /** Undefined when the bytes are not a column of this length. */
    column: (rows: number): number[] | undefined => {
      const values: number[] = [];
      let last = 0;
      while (values.length < rows && isValid) {
        const zigzag = number();
        const change = zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2;
        const length = number() + 1;
        if (length > rows - values.length) isValid = false;
        for (let n = 0; n < length && isValid; n++) {
          last += change;
          values.push(last);
        }
      }
      return isValid ? values : undefined;
    },
    isAtEnd: () => isValid && at === bytes.length,
  };
}
