// A gateway without a broker whose store has outgoing messages, as an earlier run has left them. Used by the tests of the Outgoing
// view.

import { join } from 'node:path';
import type { OutgoingMessage } from '../../src/domain/outgoing/message.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { storeOptions } from '../contract/store.ts';
import { createFakeClock } from './fake-clock.ts';
import { temporaryFolder } from './folders.ts';
import { type Services, startTestServices } from './services.ts';

/** @param messagesAt the messages, of the time at which the gateway starts */
export async function startWithMessages(
  messagesAt: (now: number) => readonly OutgoingMessage[],
): Promise<Services> {
  const clock = createFakeClock(Date.UTC(2026, 4, 4, 12));
  const folder = temporaryFolder();
  const store = await openLowdbStore({
    ...storeOptions(clock),
    messages: { ttlMs: 7 * 86_400_000, max: 10_000 },
    folder: join(folder, 'data'),
  });
  await store.messages.add(messagesAt(clock.now()));
  await store.close();
  return startTestServices({ clock, folder });
}
