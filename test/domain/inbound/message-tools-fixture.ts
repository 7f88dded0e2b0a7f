// Search and actions of operators on the fixture of publishing. Used by the tests of both.

import { createMessageActions, type MessageAction } from '../../../src/domain/inbound/message-actions.ts';
import { createMessageSearch } from '../../../src/domain/inbound/message-search.ts';
import { shareMessages } from '../../../src/domain/inbound/node-messages.ts';
import { createRecentMessages, recordRecent } from '../../../src/domain/inbound/recent-messages.ts';
import { createTelecom } from '../../../src/telecom/telecom.ts';
import { shareLocally } from '../../support/local-nodes.ts';
import { createFixture, ending, msisdn, type rejected, sms } from './publishing-fixture.ts';

const telecom = createTelecom({ operatorsFile: '', defaultRegion: '', check: 'metadata' });
export const numberOf = (text: string): string | undefined => {
  const number = telecom.normalise(text);
  return number.kind === 'number' ? number.msisdn : undefined;
};
export const page = { offset: 0, limit: 50 };
export const by = { operator: 'a1b2c3', address: '192.0.2.1' };

export async function createTools() {
  const fixture = await createFixture({ maxAgeMs: 86_400_000 });
  const { clock, log, store, messageAdmin: admin, publishing } = fixture;
  const recent = createRecentMessages(clock, numberOf);
  const recorded = recordRecent(publishing, recent);
  const memories = shareMessages({ share: shareLocally, refusedSms: fixture.refusedSms, recent, numberOf });
  const search = createMessageSearch({ store, admin, memories, numberOf, clock });
  const actions = createMessageActions({ outbox: publishing.outbox, search, admin, clock, log });
  const receive = (text: string, from = msisdn) =>
    recorded.receive({ platform: 'gateway-client', msisdn: from, text }, fixture.context);
  /** Messages whose Publisher responds so. */
  const receiveSome = async (count: number, delivery: typeof rejected): Promise<string[]> => {
    fixture.publisher.publish.mockImplementation(ending(delivery));
    const ids: string[] = [];
    for (let n = 0; n < count; n++) {
      ids.push((await receive(sms())).id);
      clock.advance(10);
    }
    await fixture.settle();
    return ids;
  };
  const latest = (): MessageAction | undefined => actions.list()[0];
  return { ...fixture, memories, recent, search, actions, receive, receiveSome, latest };
}
