// A record of each kind of an export. Used by tests of `store export` and `import`.

import { recordIdOf } from '../../src/domain/wifi/audit-model.ts';
import type { ArchivedRecord } from '../../src/store/archive/archive.ts';
import { disconnectOf } from '../contract/disconnects.ts';
import { entry } from '../contract/outboxes.ts';
import { seed, user } from '../contract/store.ts';

/** Equal for equal times. @param now Unix time in milliseconds; those that expire do so an hour later */
export function sampleRecords(now: number): ArchivedRecord[] {
  const until = now + 3_600_000;
  return [
    { kind: 'seeds', record: seed },
    { kind: 'users', record: user },
    { kind: 'inbound', record: entry },
    { kind: 'callbacks', record: { ...entry, id: 'call', content: { url: 'http://a/', body: '{}' } } },
    { kind: 'receipts', key: 'k', until, record: { reply: 'published', history: [] } },
    { kind: 'responses', key: 'r', until, record: { request: 'digest', body: '{}' } },
    { kind: 'clients', record: { msisdn: '+1', lastDeliveryAt: 5 } },
    { kind: 'tests', record: { id: 7, msisdn: '+1', startedAt: now } },
    { kind: 'disconnects', record: disconnectOf(now, { id: recordIdOf(now, '0a1b2c3d') }) },
  ];
}
