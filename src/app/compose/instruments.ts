// What is counted and shown of this process. Used by the other files of this folder, which wrap what they build.

import type { Disconnects } from '../../domain/disconnects.ts';
import type { Pairing } from '../../domain/pairing.ts';
import type { Store } from '../../domain/ports.ts';
import type { Publishing } from '../../domain/publishing.ts';
import type { Broker, CallbackSender } from '../../domain/upstreams.ts';
import { monitorEventLoop } from '../../metrics/event-loop.ts';
import { registerProcess } from '../../metrics/process.ts';
import { createRegistry, type MetricsRegistry } from '../../metrics/registry.ts';
import { createRequestMeter, type ServedRequest } from '../../metrics/requests.ts';
import type { PoolUsage } from '../../upstream/connections.ts';
import {
  meteredBroker,
  meteredCallbacks,
  meteredDisconnects,
  meteredPairing,
  meteredPublishing,
  meteredStore,
} from './metered.ts';

export interface Instruments {
  /** For each service the function that counts its requests. */
  served(service: string): (request: ServedRequest) => void;
  /** Counts limits that refuse, messages that were given up, and shows how many parcels wait. */
  store(store: Store): Store;
  pairing(pairing: Pairing): Pairing;
  publishing(publishing: Publishing): Publishing;
  broker(broker: Broker): Broker;
  callbacks(sender: CallbackSender): CallbackSender;
  disconnects(disconnects: Disconnects): Disconnects;
  pool(name: 'pcrf' | 'publisher', usage: () => PoolUsage): void;
  sockets(open: () => number): void;
  text(): ReturnType<MetricsRegistry['text']>;
  stop(): void;
}

export function createInstruments(options: {
  readonly version: string;
  /** Log lines that were dropped, by where they should have gone. */
  readonly logDrops: () => Readonly<Record<string, number>>;
  readonly overloadRefusals: () => number;
  /** Called for each request that was answered. */
  readonly onServed: () => void;
}): Instruments {
  const registry = createRegistry();
  registerProcess(registry, options.version);
  const loop = monitorEventLoop(registry);
  const meterOf = createRequestMeter(registry);
  registry.readCounter('swob_log_lines_dropped_total', 'Log lines that were lost.', ['target'], () =>
    Object.entries(options.logDrops()).map(([target, count]) => [[target], count] as const),
  );

  registry.readCounter(
    'swob_overload_refusals_total',
    'Requests and sockets that were refused because the process was overloaded.',
    [],
    () => [[[], options.overloadRefusals()]],
  );

  return {
    served: (service) => {
      const count = meterOf(service);
      return (request) => {
        loop.busy();
        options.onServed();
        count(request);
      };
    },
    store: (store) => meteredStore(registry, store),
    pairing: (pairing) => meteredPairing(registry, pairing),
    publishing: (publishing) => meteredPublishing(registry, publishing),
    broker: (broker) => meteredBroker(registry, broker),
    callbacks: (sender) => meteredCallbacks(registry, sender),
    disconnects: (disconnects) => meteredDisconnects(registry, disconnects),
    pool: poolGauge(registry),
    sockets: (open) =>
      registry.gauge('swob_sync_sockets', 'Websockets that are open.', [], () => [[[], open()]]),
    text: registry.text,
    stop: loop.stop,
  };
}

function poolGauge(registry: MetricsRegistry): Instruments['pool'] {
  const pools = new Map<string, () => PoolUsage>();
  registry.gauge(
    'swob_upstream_connections',
    'Connections to a system that is called, and calls that wait for one.',
    ['upstream', 'state'],
    () =>
      [...pools].flatMap(([name, usage]) => {
        const { inUse, idle, waiting } = usage();
        return [
          [[name, 'in_use'], inUse] as const,
          [[name, 'idle'], idle] as const,
          [[name, 'waiting'], waiting] as const,
        ];
      }),
  );
  return (name, usage) => void pools.set(name, usage);
}
