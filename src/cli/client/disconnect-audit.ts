// Calls the admin routes of the disconnect service, and describes records of its audit trail. Used by `swob disconnects`.

import type { Command } from 'commander';
import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { Context } from '../context.ts';
import { adminTokenReader } from './admin-token.ts';
import { disconnectEndpoint } from './endpoints.ts';
import { createHttpClient } from './http-client.ts';
import { formatTime } from './message-admin.ts';

export interface AuditOptions {
  readonly token?: string;
  readonly url?: string;
}

type AuditRequest = (path: string) => Promise<unknown>;

export function addAuditOptions(command: Command): Command {
  return command
    .option(
      '--token <@file|->',
      'admin token (default: SWOB_TOKEN, then the file of [security] admin_token_filepath)',
    )
    .option('--url <url>', 'URL of the disconnect service (default: from [disconnect] host and port)');
}

/** Throws CONFIG when there is no admin token. */
export async function withAudit(
  context: Context,
  options: AuditOptions,
  work: (read: AuditRequest) => Promise<void>,
): Promise<void> {
  const { config } = await context.loadConfig();
  const token = await (await adminTokenReader(context, config, options.token))();
  if (token === undefined) {
    throw new SwobError(
      'CONFIG',
      `no admin token: ${config.security.admin_token_filepath} does not exist; run this command on the machine of the disconnect service, or pass --token`,
    );
  }
  const endpoint = await disconnectEndpoint(config, options.url);
  await context.interruptible((signal) => {
    const http = createHttpClient({ ...endpoint, signal, name: 'disconnect service' });
    return work((path) => http.json({ path, headers: { Authorization: `Bearer ${token}` } }));
  });
}

/** A record as the service describes it, with all of its members. */
export type AuditRecord = Readonly<Record<string, unknown>> & { readonly id: string; readonly at: number };

/** Throws UPSTREAM when the value is not a record. */
export function parseAuditRecord(value: unknown): AuditRecord {
  if (isObject(value)) {
    const { id, at } = value;
    if (typeof id === 'string' && typeof at === 'number') return { ...value, id, at };
  }
  throw new SwobError('UPSTREAM', 'the disconnect service did not respond with a record of its audit trail');
}

/** Throws UPSTREAM when the value is not a page of records. */
export function parseAuditPage(value: unknown): {
  readonly records: readonly AuditRecord[];
  readonly next: string | undefined;
} {
  if (!isObject(value) || !Array.isArray(value.records)) {
    throw new SwobError('UPSTREAM', 'the disconnect service did not respond with a page of records');
  }
  const { next } = value;
  return { records: value.records.map(parseAuditRecord), next: typeof next === 'string' ? next : undefined };
}

/** A line for each member, and for what each backend did. */
export function describeRecord(record: AuditRecord): string[] {
  const { reports, at, durationMs, ...rest } = record;
  const members = Object.entries(rest).map(([name, value]) => `${name}: ${String(value)}`);
  const calls = Array.isArray(reports) ? reports.filter(isObject) : [];
  return [
    `time: ${formatTime(at)}`,
    ...members,
    `duration: ${String(durationMs)} ms`,
    ...calls.map(({ backend, ...call }) => `${String(backend)}: ${describeCall(call)}`),
  ];
}

function describeCall(call: Readonly<Record<string, unknown>>): string {
  const { kind, reason, attempts, durationMs, nas, host, failedHosts } = call;
  const { errorCause, notDone, alreadyGone } = call;
  return [
    String(kind),
    ...(typeof reason === 'string' ? [reason] : []),
    ...(typeof nas === 'string' ? [`NAS ${nas}`] : []),
    ...(typeof host === 'string' ? [`host ${host}`] : []),
    ...(kind === 'disconnected' && Array.isArray(failedHosts) ? failedHosts.map(String) : []),
    ...(errorCause === undefined ? [] : [`Error-Cause ${String(errorCause)}`]),
    ...(alreadyGone === true ? ['it did not know the session'] : []),
    ...(Array.isArray(notDone) ? notDone.map(String) : []),
    `${String(attempts)} attempt${attempts === 1 ? '' : 's'}, ${String(durationMs)} ms`,
  ].join('; ');
}
