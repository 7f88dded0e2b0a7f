// The operator's side of the gateway: messages that were given up, and what became of one. Used by `swob sms
// failed`, `retry`, `drop` and `trace`.

import type { Command } from 'commander';
import { SwobError } from '../errors.ts';
import type { Context } from './context.ts';
import { operatorToken } from './operator-token.ts';

export interface DeskOptions {
  readonly token?: string;
  readonly url?: string;
}

/** A message as the gateway tells of it. */
export interface Message {
  readonly id: string;
  readonly state: string;
  readonly msisdn: string;
  readonly attempts: number;
  readonly life: readonly { readonly at: number; readonly what: string }[];
}

/** Calls the gateway with the admin token. */
export type Ask = (method: 'GET' | 'POST' | 'DELETE', path: string) => Promise<unknown>;

export function addDeskOptions(command: Command): Command {
  return command
    .option(
      '--token <@file|->',
      'admin token; else SWOB_TOKEN, else the file of [security] admin_token_filepath',
    )
    .option('--url <url>', 'the gateway, in place of [api] host and port');
}

/** Runs `work` with the token. Throws CONFIG when there is none. */
export async function withDesk(
  context: Context,
  options: DeskOptions,
  work: (ask: Ask) => Promise<void>,
): Promise<void> {
  await context.withGateway(options.url, async ({ config, http }) => {
    const file = config.security.admin_token_filepath;
    const readToken = await operatorToken(context, config, options.token);
    const token = await readToken();
    if (token === undefined) {
      throw new SwobError(
        'CONFIG',
        `no admin token: ${file} is not there; run this where the gateway runs, or give --token`,
      );
    }
    await work((method, path) => http.json({ method, path, headers: { Authorization: `Bearer ${token}` } }));
  });
}

/** Throws UPSTREAM when the answer is no message. */
export function messageOf(value: unknown): Message {
  if (typeof value !== 'object' || value === null) throw noMessage();
  const { id, state, msisdn, attempts, life }: Record<string, unknown> = Object.fromEntries(
    Object.entries(value),
  );
  if (typeof id !== 'string' || typeof state !== 'string' || !Array.isArray(life)) throw noMessage();
  return {
    id,
    state,
    msisdn: typeof msisdn === 'string' ? msisdn : '-',
    attempts: typeof attempts === 'number' ? attempts : 0,
    life: life.map((event: unknown) => eventOf(event)),
  };
}

function eventOf(value: unknown): Message['life'][number] {
  if (typeof value === 'object' && value !== null && 'at' in value && 'what' in value) {
    return { at: Number(value.at), what: String(value.what) };
  }
  throw noMessage();
}

function noMessage(): SwobError {
  return new SwobError('UPSTREAM', 'the gateway did not answer with a message; is it another version?');
}

/** `2026-11-25T16:20:18.123Z`, or `-` for what is no time. */
export function timeOf(ms: number | undefined): string {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString();
}
