// Records refused SMS for operators: in the list of `swob sms refused`, and in the log. Used by publishing.ts and
// sms-outbox.ts.

import { printable } from '../../lib/printable.ts';
import type { Clock, Log } from '../shared/ports.ts';
import type { InboundSms } from './model.ts';
import { type RefusalReason, type RefusedSmsLog, refusalReasons } from './refused-sms.ts';

/** @param detail for the log: more about the reason, without content or sender */
export type RecordRefusal = (
  id: string,
  sms: Pick<InboundSms, 'platform' | 'msisdn'>,
  reason: RefusalReason,
  log: Log,
  detail?: string,
) => void;

/** Log lines for one reason in one window. A phone that forwards all its SMS would fill the log with ordinary ones. */
const maxLines = 10;
const windowMs = 60_000;

interface Window {
  readonly startedAt: number;
  lines: number;
  /** Refusals since the last line. */
  silent: number;
}

/** Adds each refusal to `refusedSms`, and the first ones of each minute and reason to the log at info. */
export function createRefusalRecorder(
  refusedSms: RefusedSmsLog,
  clock: Pick<Clock, 'monotonic'>,
): RecordRefusal {
  const windows = new Map<RefusalReason, Window>();

  const windowOf = (reason: RefusalReason): Window => {
    const now = clock.monotonic();
    const current = windows.get(reason);
    if (current && now - current.startedAt < windowMs) return current;
    const next = { startedAt: now, lines: 0, silent: current?.silent ?? 0 };
    windows.set(reason, next);
    return next;
  };

  return (id, sms, reason, log, detail) => {
    refusedSms.add(id, sms, reason);
    const window = windowOf(reason);
    const fields = {
      id,
      platform: sms.platform,
      sender: shortenSender(sms.msisdn),
      reason: refusalReasons[reason],
      ...(detail !== undefined && { detail }),
    };
    if (window.lines >= maxLines) {
      window.silent++;
      return log.debug(fields, 'an SMS is refused');
    }
    window.lines++;
    const { silent } = window;
    window.silent = 0;
    log.info({ ...fields, ...(silent > 0 && { refusedSince: silent }) }, 'an SMS is refused');
  };
}

const [shownStart, shownEnd] = [5, 3];
/** Alphanumeric senders have 11 characters at most. */
const maxNameLength = 11;

/** A sender for the log, such as `+2376…369`; names of services stay. */
export function shortenSender(sender: string): string {
  if (sender.length <= maxNameLength && /^[A-Za-z][\x20-\x7e]*$/.test(sender)) return sender;
  if (sender.length <= shownStart + shownEnd) return `${printable(sender.slice(0, 2))}…`;
  return printable(`${sender.slice(0, shownStart)}…${sender.slice(-shownEnd)}`);
}
