// What a worker's services get from the primary process: the store, and what all workers know together. Used by worker.ts.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import type { Readiness } from '../../http/readiness.ts';
import { createRemoteStore } from '../../store/remote/client.ts';
import type { WorkerContext } from '../compose/context.ts';
import type { PrimaryChannel } from './cluster-process.ts';
import type { ReportPart, ToWorker, WorkerReport, WorkerSettings } from './messages.ts';

type WorkerSelf = Parameters<WorkerContext['provide']>[0];

interface Deps {
  readonly settings: WorkerSettings;
  readonly channel: PrimaryChannel;
  readonly clock: Clock;
  readonly log: Log;
}

/** The primary waits for the other workers for less than this. */
const wholeTimeoutMs = 3_000;
/** Requests of this worker that wait for the primary; further ones fail. */
const maxPending = 256;

export function createWorkerContext(deps: Deps): WorkerContext & {
  /** Undefined until the services are built. */
  self(): WorkerSelf | undefined;
} {
  const { settings, channel, clock, log } = deps;
  const listeners = new Map<string, (event: object) => void>();
  const pending = new Map<number, (text: string | undefined) => void>();
  let lastId = 0;
  let self: WorkerSelf | undefined;

  const report = async (part: ReportPart): Promise<Partial<WorkerReport>> => {
    if (part === 'metrics') return { metrics: (await self?.metrics()) ?? [] };
    const readiness = await self?.readiness(part);
    return readiness ? { readiness: { [part]: readiness } } : {};
  };
  channel.onMessage((message: ToWorker) => {
    if (message.kind === 'ping') channel.send({ kind: 'alive' });
    if (message.kind === 'event') listeners.get(message.topic)?.(message.event);
    if (message.kind === 'whole') pending.get(message.id)?.(message.text);
    if (message.kind === 'report') {
      const { id, part } = message;
      void report(part).then((found) => channel.send({ kind: 'reported', id, report: found }));
    }
  });

  /** What all workers together say; undefined when the primary does not answer in time. */
  const whole = (part: ReportPart): Promise<string | undefined> =>
    new Promise((resolve) => {
      if (pending.size >= maxPending) return resolve(undefined);
      const id = ++lastId;
      const settle = (text: string | undefined): void => {
        cancel();
        pending.delete(id);
        resolve(text);
      };
      const cancel = clock.after(wholeTimeoutMs, () => settle(undefined));
      pending.set(id, settle);
      channel.send({ kind: 'whole', id, part });
    });

  return {
    slot: settings.slot,
    count: settings.workers,
    store: settings.usesOwner ? createRemoteStore({ peer: channel.peer, clock, log }) : undefined,
    metrics: async () => {
      const text = await whole('metrics');
      // Not this worker's own: Prometheus would take the lower counters for a restart.
      if (text === undefined)
        throw new SwobError('UNAVAILABLE', 'the primary process did not add up the metrics in time', {
          retryAfter: 1,
        });
      // Safe cast: the primary made it of this type.
      return JSON.parse(text) as { readonly type: string; readonly text: string };
    },
    readiness: async (service, own) => {
      const text = await whole(service);
      // Safe cast: the primary made it of this type.
      return text === undefined ? own() : (JSON.parse(text) as Readiness);
    },
    publish: (topic, event) => channel.send({ kind: 'event', topic, event }),
    subscribe: (topic, listener) => void listeners.set(topic, listener),
    provide: (own) => {
      self = own;
    },
    self: () => self,
  };
}
