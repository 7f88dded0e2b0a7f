// Builds the list of gateway clients, their reliability tests and the schedule of tests, for the gateway.

import type { Config } from '../../config/schema.ts';
import type { ClientObserver } from '../../domain/inbound/ports.ts';
import type { SendOwnSms } from '../../domain/outgoing/own-sms.ts';
import { type Clients, createClients } from '../../domain/seeds/clients.ts';
import { shareActivity } from '../../domain/seeds/cluster-activity.ts';
import { createReliability, type Reliability } from '../../domain/seeds/reliability.ts';
import type { SeedActivity } from '../../domain/seeds/seed-activity.ts';
import { createSeedTable, type SeedTable } from '../../domain/seeds/seed-table.ts';
import type { Seeds } from '../../domain/seeds/seeds.ts';
import { createTestSchedule } from '../../domain/seeds/test-schedule.ts';
import type { Share } from '../../domain/shared/node-requests.ts';
import type { Telecom } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import type { Runtime } from './context.ts';

export interface ClientParts {
  readonly clients: Clients;
  readonly reliability: Reliability;
  /** For the console. */
  readonly seedTable: SeedTable;
  /** What inbound SMS report to. */
  readonly observer: ClientObserver;
  /** Starts the schedule, if there is one; `send` is undefined without a broker. */
  startSchedule(send: SendOwnSms | undefined): void;
}

/** Of the stop's budget, for the last deliveries. */
const writeReserveMs = 250;

export function buildClients(
  config: Config,
  { clock, log, metrics, lifecycle }: Runtime,
  parts: {
    readonly store: Store;
    readonly telecom: Telecom;
    readonly seeds: Seeds;
    readonly activity: SeedActivity;
    readonly share: Share;
  },
): ClientParts {
  const { store, telecom, seeds, activity, share } = parts;
  const clients = createClients({ store, seeds, telecom, clock, log });
  lifecycle.defer('gateway clients', clients.close, writeReserveMs);
  const reliability = createReliability({
    store,
    clients,
    clock,
    testLimit: config.limits.tests,
    guessLimit: config.limits.guesses,
    senders: config.reliability.senders,
    onEvent: metrics.reliabilityTests(),
  });
  lifecycle.defer('reliability tests', reliability.stop);
  return {
    clients,
    reliability,
    seedTable: createSeedTable({
      clients,
      reliability,
      tests: store.tests,
      telecom,
      clock,
      activity: shareActivity(activity, share),
    }),
    observer: {
      recognise: reliability.recognise,
      delivered: ({ client }, { address }) => {
        const msisdn = client === undefined ? undefined : clients.numberOf(client);
        if (msisdn === undefined) return;
        clients.delivered(msisdn, address);
        activity.delivered(msisdn);
      },
    },
    startSchedule: (send) => {
      const { every, auth_id: authId } = config.reliability;
      if (every === 0 || !send) return;
      const schedule = createTestSchedule({
        everyMs: every,
        clients,
        reliability,
        send: (number, text) => send(authId, number, text),
        leases: store.shared?.leases,
        clock,
        log,
      });
      lifecycle.defer('schedule of reliability tests', schedule.stop);
      schedule.start();
    },
  };
}
