// The Disconnects view: what became of requests to log Wi-Fi users out, one of them as a timeline, and a token judged and used
// by hand. Used by views.ts.

import { type Static, Type } from 'typebox';
import { maxTokenLength } from '../../crypto/jwt-format.ts';
import type { TimelineStep } from '../../domain/shared/model.ts';
import type { AuditedDisconnects } from '../../domain/wifi/audit.ts';
import { consoleClient, remedyOf, stepsOf } from '../../domain/wifi/audit-history.ts';
import {
  type AuditedOutcome,
  type DisconnectFilters,
  type DisconnectRecord,
  disconnectOutcomes,
  recordIdPattern,
} from '../../domain/wifi/audit-model.ts';
import type { DisconnectReport } from '../../domain/wifi/audit-statistics.ts';
import type { AuditTrail } from '../../domain/wifi/audit-trail.ts';
import type { Explanation } from '../../domain/wifi/explanation.ts';
import { mergeReports } from '../../domain/wifi/merged-report.ts';
import { canonicalMac } from '../../domain/wifi/session-claims.ts';
import { SwobError } from '../../errors.ts';
import { tableChanges } from '../table-changes.ts';
import {
  type ConsoleView,
  defineAction,
  defineView,
  missingPart,
  type NodesDeps,
  type NodesPart,
} from '../view.ts';

export interface DisconnectsDeps extends NodesDeps {
  readonly wifi: {
    readonly trail: Pick<AuditTrail, 'page' | 'get' | 'report'>;
    /** The service of this process; undefined when it runs none. */
    disconnects(): Pick<AuditedDisconnects, 'disconnect'> | undefined;
    /** Throws CONFIG when the key that verifies tokens cannot be read. */
    explain(token: string): Promise<Explanation>;
    /** Whether the trail has the records of other processes, too. */
    readonly isShared: boolean;
    readonly backend: 'pcrf' | 'radius' | 'both';
  };
}

export interface DisconnectsData extends NodesPart {
  /** Whether this process runs the disconnect service. */
  readonly isRunning: boolean;
  /** Whether any node does. */
  readonly isRunningSomewhere: boolean;
  readonly isShared: boolean;
  readonly backend: 'pcrf' | 'radius' | 'both';
  /** Of all nodes. */
  readonly report: DisconnectReport;
  /** Newest first. */
  readonly records: readonly DisconnectRow[];
  /** The `before` of the next page; it may be there although this one is short. */
  readonly next?: string;
  /** The record that the query names; null when it is unknown. */
  readonly selected?: DisconnectDetails | null;
}

interface DisconnectRow {
  readonly id: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly outcome: AuditedOutcome;
  readonly user?: string;
  readonly mac?: string;
  readonly sessionId?: string;
  /** The section of the NAS, otherwise its address. */
  readonly nas?: string;
  readonly durationMs: number;
  readonly reason?: string;
}

export interface DisconnectDetails extends DisconnectRow {
  readonly steps: readonly TimelineStep[];
  readonly remedy?: string;
}

/** What an action of the view has done. */
export type DisconnectsActionResult =
  | ({ readonly kind: 'explained' } & Explanation)
  | { readonly kind: 'not running' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The outcome of a disconnect; the request finds its record in the list. */
  | {
      readonly kind: 'done';
      readonly outcome: AuditedOutcome;
      readonly reason?: string;
      readonly request: string;
    };

const perPage = 50;
const recordId = Type.String({ pattern: recordIdPattern });
const query = Type.Object(
  {
    /** A MAC address in any spelling, or what `DisconnectFilters.text` is compared with. */
    text: Type.Optional(Type.String({ maxLength: 255 })),
    outcome: Type.Optional(Type.Union(disconnectOutcomes.map((outcome) => Type.Literal(outcome)))),
    from: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$', description: 'Unix time in milliseconds' })),
    before: Type.Optional(recordId),
    /** The record whose history is shown. */
    id: Type.Optional(recordId),
  },
  { additionalProperties: false },
);
const body = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: maxTokenLength }) },
  { additionalProperties: false },
);

export function createDisconnectsView({ wifi, nodes }: DisconnectsDeps): ConsoleView {
  const { trail, disconnects, explain, isShared, backend } = wifi;
  const reports = nodes.share('disconnects', (_request: object) => ({
    report: trail.report(),
    isRunning: disconnects() !== undefined,
  }));

  return defineView({
    name: 'disconnects',
    query,
    // A search may read thousands of records.
    everyMs: ({ text, outcome }) => (text === undefined && outcome === undefined ? 2_000 : 5_000),
    changes: tableChanges<DisconnectsData>('records', 'id'),
    read: async ({ before, id, ...filter }): Promise<DisconnectsData> => {
      const [{ records, next }, selected, { responses, missing }] = await Promise.all([
        trail.page(filtersOf(filter), { limit: perPage, ...(before !== undefined && { before }) }),
        id === undefined ? undefined : trail.get(id),
        reports({}),
      ]);
      return {
        isRunning: disconnects() !== undefined,
        isShared,
        backend,
        isRunningSomewhere: responses.some(({ response }) => response.isRunning),
        report: mergeReports(responses.map(({ response }) => response.report)),
        ...missingPart(missing),
        records: records.map(rowOf),
        ...(next !== undefined && { next }),
        ...(id !== undefined && { selected: selected ? detailsOf(selected) : null }),
      };
    },
    actions: {
      explain: defineAction({
        body,
        run: async ({ token }): Promise<DisconnectsActionResult> =>
          disconnects() ? { kind: 'explained', ...(await explain(token.trim())) } : { kind: 'not running' },
      }),
      'log-out': defineAction({
        body,
        run: async ({ token }, { requestId, log, isAborted }): Promise<DisconnectsActionResult> => {
          const service = disconnects();
          if (!service) return { kind: 'not running' };
          const context = { requestId, log, isAborted, address: consoleClient };
          try {
            const outcome = await service.disconnect(token.trim(), context);
            const reason = 'reason' in outcome ? { reason: outcome.reason } : {};
            return { kind: 'done', outcome: outcome.kind, ...reason, request: requestId };
          } catch (error) {
            if (error instanceof SwobError && error.code === 'UNAUTHENTICATED')
              return { kind: 'refused', reason: error.message };
            throw error;
          }
        },
      }),
    },
  });
}

function filtersOf({ text = '', outcome, from }: Pick<Static<typeof query>, 'text' | 'outcome' | 'from'>) {
  const wanted = text.trim();
  const mac = canonicalMac(wanted);
  const filters: DisconnectFilters = {
    ...(mac !== undefined && { mac }),
    ...(mac === undefined && wanted !== '' && { text: wanted }),
    ...(outcome !== undefined && { outcome }),
    ...(from !== undefined && { since: Number(from) }),
  };
  return filters;
}

function rowOf(record: DisconnectRecord): DisconnectRow {
  const { id, at, outcome, user, mac, sessionId, nasIp, durationMs, reason, reports } = record;
  const nas = reports.find((report) => report.nas !== undefined)?.nas ?? nasIp;
  return {
    id,
    at,
    outcome,
    durationMs,
    ...(user !== undefined && { user }),
    ...(mac !== undefined && { mac }),
    ...(sessionId !== undefined && { sessionId }),
    ...(nas !== undefined && { nas }),
    ...(reason !== undefined && { reason }),
  };
}

function detailsOf(record: DisconnectRecord): DisconnectDetails {
  const remedy = remedyOf(record);
  return { ...rowOf(record), steps: stepsOf(record), ...(remedy !== undefined && { remedy }) };
}
