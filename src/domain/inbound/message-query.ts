// What operators search messages by: id, number, state and time of arrival. Used by message-search.ts and
// message-actions.ts.

import type { HistoryEvent } from '../shared/model.ts';
import type { MessageView } from './message-admin.ts';

/** `waiting` has those that are being sent, and `dead-lettered` those whose outcome is unknown. */
export const searchStates = [
  'waiting',
  'sending',
  'dead-lettered',
  'outcome unknown',
  'refused',
  'published',
] as const;
export type SearchState = (typeof searchStates)[number];

export interface MessageFilter {
  /** An id or the start of one, a number in any spelling, or a part of a number. */
  readonly text?: string;
  readonly state?: SearchState;
  /** Bounds of the arrival, Unix times in milliseconds. */
  readonly from?: number;
  readonly to?: number;
}

/** Finds the number that a text spells, in E.164 format. */
export type NumberReader = (text: string) => string | undefined;

/** A filter that is ready to be applied. */
export interface MessageMatcher {
  /** The whole id that is searched for. */
  readonly id?: string;
  /** The whole number that is searched for. */
  readonly msisdn?: string;
  /** Whether everything matches except for its state. */
  readonly isOpen: boolean;
  matches(message: { readonly id: string; readonly msisdn?: string; readonly arrivedAt: number }): boolean;
}

const wholeId = /^[0-9a-f]{32}$/;
const idStart = /^[0-9a-f]{4,31}$/;
const separators = /[\s()./-]/g;

export function createMatcher(filter: MessageFilter, numberOf: NumberReader): MessageMatcher {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = filter;
  const text = (filter.text ?? '').trim().toLowerCase();
  const isId = wholeId.test(text);
  const msisdn = isId || text === '' ? undefined : numberOf(text);
  const part = text.replace(separators, '');
  const fitsText = (id: string, number: string): boolean => {
    if (text === '') return true;
    if (isId) return id === text;
    if (msisdn !== undefined) return number === msisdn;
    // Separators alone are a part of every number.
    return (
      (idStart.test(text) && id.startsWith(text)) || (part !== '' && number.toLowerCase().includes(part))
    );
  };
  return {
    ...(isId && { id: text }),
    ...(msisdn !== undefined && { msisdn }),
    isOpen: text === '' && filter.from === undefined && filter.to === undefined,
    matches: ({ id, msisdn: number = '', arrivedAt }) =>
      arrivedAt >= from && arrivedAt <= to && fitsText(id, number),
  };
}

/** Whether a message is in this state, or in one that it includes. */
export function isInState(state: MessageView['state'], wanted: SearchState | undefined): boolean {
  if (wanted === undefined || state === wanted) return true;
  if (wanted === 'waiting') return state === 'sending';
  return wanted === 'dead-lettered' && state === 'outcome unknown';
}

/** When a message arrived: the time of its first event. */
export function arrivalOf(history: readonly HistoryEvent[], otherwise = 0): number {
  return history[0]?.at ?? otherwise;
}
