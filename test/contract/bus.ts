// What every bus must do, whatever transports the events. Each adapter's test runs this suite.

import { describe, expect, test, vi } from 'vitest';
import type { SessionEvent } from '../../src/domain/pairing/model.ts';
import type { Bus } from '../../src/domain/pairing/ports.ts';

/** Records the events it receives. */
export function createListener() {
  const events: SessionEvent[] = [];
  return { events, onEvent: (event: SessionEvent) => void events.push(event), onMissedEvents: vi.fn() };
}

/** `current` returns two ends of a new bus; they may be the same object. */
export function busContract(name: string, current: () => { here: Bus; there: Bus }): void {
  const pause = (userId: string, sessionId = 's'): SessionEvent => ({ kind: 'pause', userId, sessionId });

  describe(`${name} bus`, () => {
    test('delivers an event to all listeners of its user, in order, and to no others', async () => {
      const { here, there } = current();
      const [first, second, other] = [createListener(), createListener(), createListener()];
      await here.subscribe('alice', first);
      await here.subscribe('alice', second);
      await here.subscribe('bob', other);
      const sent = [pause('alice'), { ...pause('alice'), kind: 'ack' as const }, pause('alice', 'é\n"')];
      for (const event of sent) await there.publish(event);
      await there.publish(pause('carol'));
      await there.publish(pause('bob', 'last'));
      await vi.waitFor(() => expect(other.events).toEqual([pause('bob', 'last')]), { timeout: 5_000 });
      await vi.waitFor(() => expect([first.events, second.events]).toEqual([sent, sent]), { timeout: 5_000 });
      expect(first.onMissedEvents).not.toHaveBeenCalled();
    });

    test('delivers nothing to a listener that has stopped, and continues with the others', async () => {
      const { here, there } = current();
      const [stopped, other] = [createListener(), createListener()];
      await here.subscribe('alice', stopped);
      await here.subscribe('alice', other);
      here.unsubscribe('alice', stopped);
      here.unsubscribe('alice', stopped);
      await there.publish(pause('alice'));
      await vi.waitFor(() => expect(other.events).toHaveLength(1), { timeout: 5_000 });
      expect(stopped.events).toEqual([]);
      const again = createListener();
      await here.subscribe('alice', again);
      await there.publish(pause('alice', 'again'));
      await vi.waitFor(() => expect(again.events).toEqual([pause('alice', 'again')]), { timeout: 5_000 });
    });

    test('delivers everything to a listener that starts just as the last one stops, as when a page is reloaded', async () => {
      const { here, there } = current();
      for (let n = 0; n < 20; n++) {
        const first = createListener();
        await here.subscribe('alice', first);
        here.unsubscribe('alice', first);
        const again = createListener();
        await here.subscribe('alice', again);
        await there.publish(pause('alice', `${n}`));
        await vi.waitFor(() => expect(again.events).toEqual([pause('alice', `${n}`)]), { timeout: 5_000 });
        here.unsubscribe('alice', again);
      }
    });

    test('accepts an event without listeners', async () => {
      await current().there.publish(pause('nobody'));
    });
  });
}
