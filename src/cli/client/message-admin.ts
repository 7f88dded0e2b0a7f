// The operator's side of the gateway: messages that were dead-lettered, and the history of one. Used by `swob sms
// failed`, `retry`, `drop` and `trace`.

import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { Context } from '../context.ts';
import { adminTokenReader } from './admin-token.ts';

export interface MessageAdminOptions {
  readonly token?: string;
  readonly url?: string;
}

/** A message as the gateway describes it. */
export interface Message {
  readonly id: string;
  readonly state: string;
  readonly msisdn: string;
  readonly attempts: number;
  /** It waits for an earlier message of its sender. */
  readonly behind: boolean;
  /** When the next attempt is due, Unix time in milliseconds. */
  readonly dueAt?: number;
  readonly history: readonly { readonly at: number; readonly event: string }[];
}

/** Calls the gateway with the admin token. */
export type AdminRequest = (method: 'GET' | 'POST' | 'DELETE', path: string) => Promise<unknown>;

export function addMessageAdminOptions(command: Command): Command {
  return command
    .option(
      '--token <@file|->',
      'admin token (default: SWOB_TOKEN, then the file of [security] admin_token_filepath)',
    )
    .option('--url <url>', 'URL of the gateway (default: from [api] host and port)');
}

/** Runs `work` with an authenticated request function. Throws CONFIG when there is no admin token. */
export async function withMessageAdmin(
  context: Context,
  options: MessageAdminOptions,
  work: (callAdmin: AdminRequest) => Promise<void>,
): Promise<void> {
  await context.withGateway(options.url, async ({ config, http }) => {
    const file = config.security.admin_token_filepath;
    const readToken = await adminTokenReader(context, config, options.token);
    const token = await readToken();
    if (token === undefined) {
      throw new SwobError(
        'CONFIG',
        `no admin token: ${file} does not exist; run this command on the gateway's machine, or pass --token`,
      );
    }
    await work((method, path) => http.json({ method, path, headers: { Authorization: `Bearer ${token}` } }));
  });
}

/** States of dead-lettered messages. */
export const deadLetteredStates: ReadonlySet<string> = new Set(['dead-lettered', 'outcome unknown']);

/** For --dry-run. Throws NOT_FOUND when the message does not exist, or is in another state. */
export async function requireState(
  callAdmin: AdminRequest,
  id: string,
  states: ReadonlySet<string>,
): Promise<void> {
  const { state } = parseMessage(await callAdmin('GET', `/sms/messages/${encodeURIComponent(id)}`));
  if (!states.has(state))
    throw new SwobError('NOT_FOUND', `message ${id} is ${state}, not ${[...states].join(' or ')}`);
}

/** Throws UPSTREAM when the value is not a message. */
export function parseMessage(value: unknown): Message {
  if (typeof value !== 'object' || value === null) throw unexpectedResponse();
  const { id, state, msisdn, attempts, behind, dueAt, history }: Record<string, unknown> = Object.fromEntries(
    Object.entries(value),
  );
  if (typeof id !== 'string' || typeof state !== 'string' || !Array.isArray(history))
    throw unexpectedResponse();
  return {
    id,
    state,
    msisdn: typeof msisdn === 'string' ? msisdn : '-',
    attempts: typeof attempts === 'number' ? attempts : 0,
    behind: behind === true,
    ...(typeof dueAt === 'number' && { dueAt }),
    history: history.map((event: unknown) => parseEvent(event)),
  };
}

/** Throws UPSTREAM when the value is not a list of messages. */
export function parseMessages(value: unknown): Message[] {
  if (!Array.isArray(value)) throw unexpectedList();
  return value.map(parseMessage);
}

export function unexpectedList(): SwobError {
  return new SwobError('UPSTREAM', 'the gateway did not respond with a list');
}

/**
 * Why the last attempt failed, or the message was refused, or what has happened to it so far; with `outcome unknown` before it when an earlier attempt may
 * have delivered the message.
 */
export function failureReason({ state, history }: Pick<Message, 'state' | 'history'>): string {
  const reason = history.findLast((event) => /^(attempt|refused)\b/.test(event.event));
  const what = (reason ?? history.at(-1))?.event ?? '-';
  const why = what.replace(/^attempt \d+(?: failed)?: |^refused(?: \(\d+ times\))?: /, '');
  return state === outcomeUnknown && !why.startsWith(outcomeUnknown)
    ? `${outcomeUnknown}, then: ${why}`
    : why;
}

const outcomeUnknown = 'outcome unknown';

function parseEvent(value: unknown): Message['history'][number] {
  if (isObject(value) && 'at' in value && 'event' in value) {
    return { at: Number(value.at), event: String(value.event) };
  }
  throw unexpectedResponse();
}

function unexpectedResponse(): SwobError {
  return new SwobError('UPSTREAM', 'the gateway did not respond with a message; is it another version?');
}

/** `2026-11-25T16:20:18.123Z`, or `-` for an invalid time. */
export function formatTime(ms: number | undefined): string {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString();
}
