// The checks of `swob doctor` for the store, and for the audit trail of a disconnect service that runs alone. Used by doctor.ts.

import { stat } from 'node:fs/promises';
import { systemErrorCode } from '../../errors.ts';
import type { Finding } from '../../lib/finding.ts';
import type { InspectionContext, StoreAdapter } from '../../store/adapter.ts';
import { checkFolder } from '../doctor/store.ts';
import type { ServiceName } from './context.ts';
import { auditAdapterOf, storeAdapterOf } from './store-adapters.ts';

type Context = Omit<InspectionContext, 'checkFolder'>;

const inspect = (adapter: StoreAdapter, context: Context): Promise<Finding[]> =>
  adapter.inspect({ ...context, checkFolder });

export async function checkStore(services: readonly ServiceName[], context: Context): Promise<Finding[]> {
  return services.includes('gateway') ? inspect(storeAdapterOf(context.config), context) : [];
}

/** Nothing where no disconnect service has run alone. */
export async function checkAuditTrail(
  services: readonly ServiceName[],
  context: Context,
): Promise<Finding[]> {
  const adapter = services.includes('disconnect') ? auditAdapterOf(context.config) : undefined;
  if (adapter?.folder === undefined || !(await exists(adapter.folder))) return [];
  const findings = await inspect(adapter, context);
  // Once for the disk of both.
  const own = services.includes('gateway')
    ? findings.filter(({ check }) => check !== 'disk space')
    : findings;
  return own.map((finding) => ({ ...finding, check: finding.check.replace(/^store(?= )/, 'audit trail') }));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    // Any other error is one of the check.
    (error: unknown) => !['ENOENT', 'ENOTDIR'].includes(String(systemErrorCode(error))),
  );
}
