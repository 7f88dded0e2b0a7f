// What files of the lowdb store look like that hold more than one record.

import { isNumber, isObject, isText, type Shape } from '../shapes.ts';

/** LPS by IMSI. */
export function isLpsFile(value: unknown): value is Record<string, number> {
  return isObject(value) && Object.values(value).every(isNumber);
}

/** A line of a memo's file: what is remembered under the key since `at` (Unix time in milliseconds). */
export interface MemoLine<T> {
  readonly key: string;
  readonly at: number;
  readonly value: T;
}

export function isMemoLine<T>(isValue: Shape<T>): Shape<MemoLine<T>> {
  return (line): line is MemoLine<T> =>
    isObject(line) && isText(line.key) && isNumber(line.at) && isValue(line.value);
}
