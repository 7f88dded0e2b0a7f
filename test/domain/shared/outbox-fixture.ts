import { vi } from 'vitest';
import type { OutboxEntry } from '../../../src/domain/shared/model.ts';
import { createOutbox } from '../../../src/domain/shared/outbox.ts';
import type { AttemptOutcome, OutboxOptions, Postponed } from '../../../src/domain/shared/outbox-types.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

export const sms = { platform: 'gateway-client', msisdn: '+1', text: 'x' };
type Content = typeof sms;

/** An outbox whose attempts have the given outcomes in order; the last one repeats. */
export function createFixture({
  maxAgeMs = 3_600_000,
  concurrency = 2,
  deadLetterTtlMs = 86_400_000,
  pollIntervalMs = undefined as number | undefined,
  onlyDurable = false,
  onInterrupted = undefined as OutboxOptions<Content>['onInterrupted'],
} = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const store = createMemoryStore(storeOptions(clock)).inbound;
  const attempts: OutboxEntry<Content>[] = [];
  let endings: (AttemptOutcome<Content> | Postponed)[] = [{ kind: 'delivered' }];
  const deliver = vi.fn<OutboxOptions<Content>['deliver']>(async (entry) => {
    attempts.push(entry);
    return (endings.length > 1 ? endings.shift() : endings[0]) ?? { kind: 'delivered' };
  });
  const onDeadLettered = vi.fn();
  const outbox = createOutbox<Content>({
    name: 'message',
    store,
    clock,
    log,
    random: () => 1,
    concurrency,
    maxAgeMs,
    maxBackoffMs: 300_000,
    orderKeyOf: ({ msisdn }) => (msisdn === '+1' ? undefined : msisdn),
    deliver,
    deadLetterTtlMs,
    onDeadLettered,
    pollIntervalMs,
    onlyDurable,
    ...(onInterrupted && { onInterrupted }),
  });
  return {
    clock,
    log,
    store,
    outbox,
    attempts,
    deliver,
    onDeadLettered,
    /** Lets running work settle: all promises here resolve immediately. */
    settle: async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    },
    outcomes: (...next: (AttemptOutcome<Content> | Postponed)[]) => {
      endings = next;
    },
  };
}

/** The timer that sweeps dead letters while the outbox runs. */
export const retentionTimer = 1;

export const again = { kind: 'retry', reason: 'answered 503' } as const;
