// The catalogue of metrics against what services show: no metric and no label value is missing on either side, and every label
// value counts.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type AppMetrics, createAppMetrics } from '../../src/app/compose/app-metrics.ts';
import type { Delivery } from '../../src/domain/inbound/ports.ts';
import { type RefusalReason, refusalReasons } from '../../src/domain/inbound/refused-sms.ts';
import { leasedWork } from '../../src/domain/shared/coalesce.ts';
import { type ErrorCode, SwobError } from '../../src/errors.ts';
import { type MetricDefinition, metricCatalogue } from '../../src/metrics/catalogue.ts';
import type { LabelOf } from '../../src/metrics/registry.ts';
import { createMemoryLeases } from '../../src/store/memory/leases.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions } from '../contract/store.ts';
import { publicPem } from '../crypto/token-builder.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startMessaging } from '../support/messaging.ts';
import { get } from '../support/phone.ts';
import { readMetrics } from '../support/prometheus.ts';

const definitions: [string, MetricDefinition][] = Object.entries(metricCatalogue);

test('all services together show exactly the metrics of the catalogue, with every label value', async () => {
  const keyFile = join(temporaryFolder(), 'public.pem');
  writeFileSync(keyFile, publicPem);
  const { gateway } = await startMessaging({
    names: ['gateway', 'sync', 'disconnect'],
    set: [
      `validation.public_key=${keyFile}`,
      'broker.url=amqp://127.0.0.1:1',
      'broker.management_url=http://127.0.0.1:1',
      'outgoing.setup_id=set',
      'outgoing.setup_key=up',
      'relay.url=http://127.0.0.1:1',
    ],
  });
  await get(`${gateway}/seeds`);
  const { text } = await get(`${gateway}/metrics`);
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
  expect(types.sort()).toEqual(definitions.map(([name, { type }]) => [name, type]).sort());
  const series = readMetrics(text);
  for (const [name, { labels }] of definitions) {
    for (const [label, values] of Object.entries(labels)) {
      if (values === 'any') continue;
      const shown = series.filter((each) => each.name === name).map((each) => each.labels[label]);
      expect([name, label, [...new Set(shown)].sort()]).toEqual([name, label, [...values].sort()]);
    }
  }
});

function createMetrics(): AppMetrics {
  const metrics = createAppMetrics({
    version: 'test',
    logDrops: () => ({ file: 0, gelf: 0, repeated: 0 }),
    overloadRefusals: () => 0,
    connections: { open: 0, closed: { idle: 0, full: 0, pipelining: 0, headers: 0 } },
    bodyBudget: { usedBytes: 0, rejected: 0 },
    onServed: () => undefined,
  });
  onTestFinished(metrics.stop);
  return metrics;
}

/** Triggers the event of each label value, and expects each to be counted once. */
async function expectEachCounted<Name extends keyof typeof metricCatalogue>(
  metrics: AppMetrics,
  name: Name,
  events: Readonly<Record<LabelOf<Name>, () => unknown>>,
): Promise<void> {
  for (const trigger of Object.values<() => unknown>(events)) {
    // A failure counts too.
    await Promise.resolve()
      .then(trigger)
      .catch(() => undefined);
  }
  const counted = readMetrics((await metrics.text()).text).filter((each) => each.name === name);
  const byValue = Object.fromEntries(counted.map(({ labels, value }) => [Object.values(labels)[0], value]));
  expect(byValue).toEqual(Object.fromEntries(Object.keys(events).map((value) => [value, 1])));
}

const fail = (code: ErrorCode) => Promise.reject(new SwobError(code, 'failed'));

describe('every label value is counted', () => {
  test('of pairings', async () => {
    const metrics = createMetrics();
    let result: () => Promise<unknown> = async () => undefined;
    const step = () => result();
    const pairing = metrics.pairing(stub({ open: step, handshake: step, authenticate: step, replace: step }));
    const failing = (code: ErrorCode) => () => {
      result = () => fail(code);
      return pairing.open('alice', '192.0.2.1');
    };
    await expectEachCounted(metrics, 'swob_pairings_total', {
      opened: () => pairing.open('alice', '192.0.2.1'),
      handshake: () => pairing.handshake('alice', 'a', 'key', stub({})),
      paired: () => pairing.authenticate('alice', 'a', 'password', stub({})),
      replaced: () => pairing.replace('alice', 'a', '192.0.2.1'),
      wrong_password: failing('UNAUTHENTICATED'),
      limited: failing('LIMITED'),
      invalid: failing('BAD_INPUT'),
      conflict: failing('CONFLICT'),
      failed: failing('UPSTREAM'),
    });
  });

  test('of inbound SMS, refusals and calls to the Publisher', async () => {
    const metrics = createMetrics();
    let result: () => Promise<unknown> = async () => undefined;
    const publishing = metrics.publishing(
      stub({ receive: () => result(), unverified: () => ({ kept: 0, refused: 0, evicted: 0 }) }),
    );
    const receive = (next: () => Promise<unknown>) => () => {
      result = next;
      return publishing.receive(stub({}), stub({}));
    };
    await expectEachCounted(metrics, 'swob_inbound_sms_total', {
      published: receive(async () => ({ reply: 'published' })),
      accepted: receive(async () => ({ reply: 'accepted' })),
      recorded: receive(async () => ({ reply: 'recorded' })),
      refused: receive(async () => ({ reply: 'refused' })),
      limited: receive(() => fail('LIMITED')),
      failed: receive(() => fail('UNAVAILABLE')),
    });
    const refused = metrics.refusedSms(stub({ add: () => undefined }));
    const refuse = (reason: RefusalReason) => () => refused.add('id', stub({}), reason);
    const reasons = Object.keys(refusalReasons) as RefusalReason[];
    await expectEachCounted(
      metrics,
      'swob_sms_refusals_total',
      stub(Object.fromEntries(reasons.map((reason) => [reason.replaceAll(' ', '_'), refuse(reason)]))),
    );
    let delivery: Delivery = { kind: 'published' };
    const publisher = metrics.publisher(stub({ publish: async () => delivery }));
    const publish = (next: Delivery) => () => {
      delivery = next;
      return publisher.publish('id', '+1', 'text', async () => undefined);
    };
    await expectEachCounted(metrics, 'swob_publisher_calls_total', {
      published: publish({ kind: 'published' }),
      not_sent: publish({ kind: 'not sent', reason: '' }),
      refused: publish({ kind: 'refused', reason: '' }),
      rejected: publish({ kind: 'rejected', reason: '' }),
      failed: publish({ kind: 'failed', reason: '' }),
      unknown: publish({ kind: 'unknown', reason: '' }),
    });
  });

  test('of outgoing SMS, callbacks and disconnects', async () => {
    const metrics = createMetrics();
    let result: () => Promise<unknown> = async () => undefined;
    const run = () => result();
    const broker = metrics.broker(stub({ send: run }));
    const callbacks = metrics.callbacks(stub({ send: run }));
    const disconnects = metrics.disconnects(stub({ disconnect: run }));
    const using = (call: () => unknown) => (next: () => Promise<unknown>) => () => {
      result = next;
      return call();
    };
    const send = using(() => broker.send(stub({})));
    await expectEachCounted(metrics, 'swob_outgoing_sms_total', {
      sent: send(async () => ({ kind: 'sent', route: 'r' })),
      unroutable: send(async () => ({ kind: 'unroutable' })),
      refused: send(async () => ({ kind: 'refused' })),
      unconfirmed: send(async () => ({ kind: 'unconfirmed' })),
      failed: send(() => fail('UNAVAILABLE')),
    });
    const enter = metrics.outgoingStates();
    const states = ['sent', 'delivered', 'failed', 'expired', 'cancelled'] as const;
    await expectEachCounted(
      metrics,
      'swob_outgoing_states_total',
      stub(Object.fromEntries(states.map((state) => [state, () => enter({ state })]))),
    );
    const deliver = using(() => callbacks.send('id', stub({})));
    await expectEachCounted(metrics, 'swob_callback_attempts_total', {
      delivered: deliver(async () => ({ kind: 'delivered' })),
      refused: deliver(async () => ({ kind: 'refused', reason: '' })),
      failed: deliver(async () => ({ kind: 'failed', reason: '' })),
    });
    const silentNas = (kind: 'rejected' | 'timeout') =>
      ({ backend: 'radius', kind, attempts: 4, durationMs: 0 }) as const;
    const disconnect = using(() => disconnects.disconnect('token', stub({})));
    await expectEachCounted(metrics, 'swob_disconnects_total', {
      done: disconnect(async () => ({ kind: 'disconnected', reports: [] })),
      token_refused: disconnect(() => fail('UNAUTHENTICATED')),
      limited: disconnect(() => fail('LIMITED')),
      pcrf_failed: disconnect(async () => ({ kind: 'rejected', reason: '', reports: [] })),
      pcrf_timeout: disconnect(async () => ({ kind: 'timeout', reason: '', reports: [] })),
      nas_failed: disconnect(async () => ({
        kind: 'rejected',
        reason: '',
        reports: [silentNas('rejected')],
      })),
      nas_timeout: disconnect(async () => ({ kind: 'timeout', reason: '', reports: [silentNas('timeout')] })),
      busy: disconnect(async () => ({ kind: 'busy', reason: '', reports: [] })),
      failed: disconnect(() => fail('INTERNAL')),
    });
  });

  test('of disconnects that an unavailable store fails: the PCRF is not busy', async () => {
    const metrics = createMetrics();
    const disconnects = metrics.disconnects(stub({ disconnect: () => fail('UNAVAILABLE') }));
    await expect(disconnects.disconnect('token', stub({}))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const counted = readMetrics((await metrics.text()).text)
      .filter(({ name, value }) => name === 'swob_disconnects_total' && value > 0)
      .map(({ labels, value }) => [labels.outcome, value]);
    expect(counted).toEqual([['failed', 1]]);
  });

  test('of lost leases', async () => {
    const clock = createFakeClock();
    const metrics = createMetrics();
    const shared = {
      leases: createMemoryLeases(clock),
      agreeOn: async (_name: string, value: string) => value,
    };
    const leases = metrics.store({ ...createMemoryStore(storeOptions(clock)), shared }).shared?.leases;
    const lose = (key: string) => async () => {
      const lease = await leases?.acquire(key, 1_000);
      clock.advance(1_000);
      await leases?.complete(key, lease?.leaseId ?? '', 'done');
    };
    await expectEachCounted(
      metrics,
      'swob_leases_lost_total',
      stub(Object.fromEntries(leasedWork.map((work) => [work, lose(`${work}:k`)]))),
    );
  });
});

/** The members that a test calls, as the whole type. */
function stub<T>(members: unknown): T {
  return members as T;
}
