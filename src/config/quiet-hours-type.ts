// The value type of [outgoing] quiet: hours of the day in time zones. Used by messaging-keys.ts.

import type { QuietHours } from '../domain/outgoing/model.ts';
import { defineKey, type KeyDefinition, type ValueType } from './value-types.ts';

const type: ValueType<readonly QuietHours[]> = {
  name: '[operator] HH:MM-HH:MM time zone, separated by commas',
  parse: (text) => {
    const items = text.split(',').map((item) => item.trim());
    if (items.length === 1 && items[0] === '') return [];
    const read = items.map(parseItem);
    const faults = read.flatMap((each, index) =>
      typeof each === 'string' ? [`item ${index + 1}: ${each}`] : [],
    );
    const found = read.filter((each) => typeof each !== 'string');
    const names = found.map(({ operatorName }) => operatorName?.toLowerCase());
    if (new Set(names).size < names.length)
      faults.push('an operator, or all others, has quiet hours twice; give them once');
    if (faults.length > 0) throw new Error(faults.join('; '));
    return found;
  },
  format: (value) =>
    value
      .map(({ operatorName, from, to, timeZone }) =>
        [operatorName, `${formatTime(from)}-${formatTime(to)}`, timeZone].filter(Boolean).join(' '),
      )
      .join(', '),
};

export const quietHours = (doc: string): KeyDefinition<readonly QuietHours[]> => defineKey(type, [], doc);

/** Returns what is wrong with an item instead. */
function parseItem(item: string): QuietHours | string {
  const [, operatorName, start = '', end = '', timeZone = ''] =
    /^(?:(\S.*?)\s+)?(\d\d:\d\d)-(\d\d:\d\d)\s+(\S+)$/.exec(item) ?? [];
  if (start === '') return 'expected hours and a time zone, such as 22:00-06:00 Africa/Douala';
  const [from, to] = [parseTime(start), parseTime(end)];
  if (from === undefined || to === undefined) return 'expected times from 00:00 to 23:59';
  if (from === to) return 'expected hours that end at another time than they begin, as some SMS must be sent';
  if (!isTimeZone(timeZone)) return 'unknown time zone; expected an IANA name such as Africa/Douala or UTC';
  return { ...(operatorName !== undefined && { operatorName }), from, to, timeZone };
}

function parseTime(text: string): number | undefined {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours < 24 && minutes < 60 ? 60 * hours + minutes : undefined;
}

function formatTime(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Node also accepts offsets such as +01:00, which know no clock changes. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
