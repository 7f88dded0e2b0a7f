// `swob disconnects list`: lists the audited requests to the disconnect service.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { disconnectOutcomes } from '../../../domain/wifi/audit-model.ts';
import { canonicalMac } from '../../../domain/wifi/session-claims.ts';
import {
  type AuditOptions,
  addAuditOptions,
  parseAuditPage,
  withAudit,
} from '../../client/disconnect-audit.ts';
import { formatTime } from '../../client/message-admin.ts';
import type { Context } from '../../context.ts';
import { countUpTo } from '../../input/option-parsers.ts';
import { parseSince, type Since, sinceHelp, timeOfSince } from '../../input/since.ts';

interface Options extends AuditOptions {
  readonly since?: Since;
  readonly mac?: string;
  readonly session?: string;
  readonly user?: string;
  readonly outcome?: string;
  readonly limit: number;
}

const maxListed = 100_000;
const pageSize = 1_000;

export function define(command: Command, context: Context): void {
  addAuditOptions(command)
    .option('--since <time>', sinceHelp, parseSince)
    .option('--mac <MAC>', 'only this MAC address, in any spelling', parseMac)
    .option('--session <sessionId>', 'only this session')
    .option('--user <sub>', 'only this user, the sub of the token')
    .addOption(new Option('--outcome <outcome>', 'only this outcome').choices(disconnectOutcomes))
    .option('--limit <n>', `at most so many, up to ${maxListed}`, countUpTo(maxListed), 100)
    .addHelpText(
      'after',
      `
Newest first. With --json one object a line. Requests are kept for [disconnect] audit_keep and up to [disconnect] audit_max;
requests without a valid token are counted on their own, so that a flood of them removes no others.

Example:
  swob disconnects list --since 1h
  swob disconnects list --mac fc:45:96:5f:50:ac --limit 1
  swob disconnects list --outcome timeout --json | jq -r .sessionId`,
    )
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const { printer, io } = context;
  const { since, mac, session, user, outcome, limit } = options;
  const query = new URLSearchParams({
    ...(since && { since: String(timeOfSince(since, io.clock.now())) }),
    ...(mac !== undefined && { mac }),
    ...(session !== undefined && { session }),
    ...(user !== undefined && { user }),
    ...(outcome !== undefined && { outcome }),
  });
  await withAudit(context, options, async (read) => {
    const rows: string[][] = [];
    let left = limit;
    let before: string | undefined;
    do {
      query.set('limit', String(Math.min(left, pageSize)));
      if (before !== undefined) query.set('before', before);
      const { records, next } = parseAuditPage(await read(`/disconnects?${query}`));
      for (const record of records) {
        if (printer.json) printer.value(record);
        else rows.push(rowOf(record));
      }
      left -= records.length;
      before = next;
    } while (left > 0 && before !== undefined);
    if (printer.json) return;
    const isFiltered = [since, mac, session, user, outcome].some((filter) => filter !== undefined);
    if (rows.length === 0) return printer.note(isFiltered ? 'no request matches' : 'no requests yet');
    printer.table(['ID', 'TIME', 'OUTCOME', 'USER', 'MAC', 'SESSION', 'NAS', 'CLIENT', 'WHY'], rows);
  });
}

function rowOf({
  id,
  at,
  ...record
}: { readonly id: string; readonly at: number } & Record<string, unknown>): string[] {
  const { outcome, user, mac, sessionId, nasIp, address, reason, verified } = record;
  const why = [reason, verified].filter((text) => typeof text === 'string').join('; ');
  return [id, formatTime(at), ...[outcome, user, mac, sessionId, nasIp, address, why].map(cell)];
}

function cell(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : '-';
}

function parseMac(text: string): string {
  const mac = canonicalMac(text);
  if (mac !== undefined) return mac;
  throw new InvalidArgumentError('Expected a MAC address such as FC-45-96-5F-50-AC.');
}
