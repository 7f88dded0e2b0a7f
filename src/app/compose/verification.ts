// Builds what verifies disconnects: a query of the PCRF, or the RADIUS accounting of the NAS. Used by disconnect.ts.

import type { Config } from '../../config/schema.ts';
import { type AccountingEvent, createAccountingVerifier } from '../../domain/wifi/accounting.ts';
import type { Verification } from '../../domain/wifi/disconnects.ts';
import type { NasTable } from '../../domain/wifi/nas-table.ts';
import type { Pcrf } from '../../domain/wifi/ports.ts';
import { createQueryVerifier, type SessionVerifier } from '../../domain/wifi/verification.ts';
import { openAccountingServer } from '../../radius/accounting-server.ts';
import type { Runtime } from './context.ts';
import type { ConfiguredNas } from './radius.ts';

interface Needs {
  readonly pcrf: Pcrf | undefined;
  /** The configured NAS; undefined where none is used. */
  readonly nas: Pick<NasTable<ConfiguredNas>, 'at'> | undefined;
}

/** Undefined when [disconnect] verify is off. Throws UNAVAILABLE and CONFIG when it cannot listen for accounting. */
export async function buildVerification(
  config: Config,
  runtime: Runtime,
  needs: Needs,
): Promise<Verification | undefined> {
  const { verify, verify_required: required } = config.disconnect;
  const verifier = await buildVerifier(verify, config, runtime, needs);
  return verifier && { ...runtime.metrics.verifier(verifier), required };
}

async function buildVerifier(
  verify: Config['disconnect']['verify'],
  { disconnect }: Config,
  { clock, log, lifecycle, metrics, worker }: Runtime,
  { pcrf, nas }: Needs,
): Promise<SessionVerifier | undefined> {
  const withinMs = disconnect.verify_within;
  if (verify === 'pcrf' && pcrf) {
    return createQueryVerifier({
      query: async (session, leftMs) => {
        const { presence, reason } = await pcrf.query(session, leftMs);
        if (reason !== undefined) log.debug({ reason }, 'the PCRF does not say whether a session is gone');
        return presence;
      },
      withinMs,
      clock,
    });
  }
  if (verify !== 'accounting' || !nas) return undefined;
  const verifier = createAccountingVerifier({ withinMs, clock });
  // A packet reaches one worker, and a disconnect that waits for it may run in another.
  worker?.subscribe('accounting', (event) => verifier.record(event as AccountingEvent));
  const server = await openAccountingServer({
    host: disconnect.host,
    port: disconnect.accounting_port,
    nasAt: nas.at,
    record: (event) => {
      verifier.record(event);
      worker?.publish('accounting', event);
    },
    failed: (reason) => log.error({ reason }, 'the socket for RADIUS accounting failed'),
  });
  log.info({ host: disconnect.host, port: server.port }, 'listening for RADIUS accounting');
  metrics.accounting(server.counts);
  lifecycle.defer('RADIUS accounting', async () => {
    verifier.close();
    await server.close();
  });
  return verifier;
}
