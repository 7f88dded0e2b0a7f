// A thousand disconnects at once over 20 NAS, with loss, reordering, duplicates and forged answers: each ends in exactly one right
// outcome, and for each token one request is in flight.

import { expect, test } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { createDisconnects } from '../../src/domain/wifi/disconnects.ts';
import { nasProfiles } from '../../src/domain/wifi/nas-profiles.ts';
import { createNasTable } from '../../src/domain/wifi/nas-table.ts';
import { createRadiusClient } from '../../src/radius/client.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { startNasStub } from '../../src/stubs/nas.ts';
import type { NasMode } from '../../src/stubs/nas-modes.ts';
import { createRadiusBackend } from '../../src/upstream/radius-nas.ts';
import { storeOptions } from '../contract/store.ts';
import { sampleClaims } from '../crypto/token-builder.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { patient } from '../support/patience.ts';
import { onEnd } from '../support/teardown.ts';

const secret = 'testing123';
const [nasCount, perNas] = [20, 50];
/** The first packets of each NAS; the later ones are answered. */
const trouble: NasMode[] = ['hang', 'duplicate', 'forge', 'reorder', 'garbage'];
const steps = Array.from({ length: 60 }, (_, index) => ({ mode: trouble[index % 5] ?? 'hang', times: 1 }));

/** Every second session exists. */
const exists = (index: number): boolean => index % 2 === 0;

test('1,000 concurrent disconnects end in the outcome of their own session', async () => {
  const stubs = await Promise.all(
    Array.from({ length: nasCount }, async (_, nas) => {
      const sessions = Array.from({ length: perNas }, (_, index) => ({ sessionId: `${nas}-${index}` }));
      const existing = sessions.filter((_, index) => exists(index));
      const stub = await startNasStub({
        host: '127.0.0.1',
        port: 0,
        radiusPort: 0,
        secret,
        sessions: existing,
        steps,
      });
      onEnd(() => stub.close());
      return stub;
    }),
  );
  const client = createRadiusClient({ clock: systemClock, random: Math.random });
  onEnd(() => client.close());
  const table = createNasTable(
    stubs.map(({ radius }, nas) => ({
      name: `nas${nas}`,
      address: ['127.0.0.1'],
      vrf: String(nas),
      port: radius.port,
      sourceAddress: '',
      profile: nasProfiles.generic,
      timeoutMs: patient(15_000),
      retries: 10,
      secret: () => Buffer.from(secret),
    })),
  );
  const disconnects = createDisconnects({
    verifier: { verify: (token) => JSON.parse(token) },
    backends: [createRadiusBackend({ client, find: table.find, clock: systemClock })],
    alreadyGone: 'failure',
    rules: {},
    limits: createMemoryStore(storeOptions(createFakeClock())).limits,
    callLimit: 'off',
    leases: undefined,
    clock: systemClock,
    log: createMemoryLog(),
  });
  const context = { address: '192.0.2.1', log: createMemoryLog(), isAborted: () => false };
  const calls = stubs.flatMap((_, nas) =>
    Array.from({ length: perNas }, (_, index) => {
      const claims = { ...sampleClaims, nasIp: '127.0.0.1', vrf: String(nas), sessionId: `${nas}-${index}` };
      const token = JSON.stringify(claims);
      return {
        index,
        nas,
        outcomes: [disconnects.disconnect(token, context), disconnects.disconnect(token, context)],
      };
    }),
  );
  for (const { index, nas, outcomes } of calls) {
    const [first, second] = await Promise.all(outcomes);
    expect(first).toBe(second);
    expect([nas, index, first?.kind]).toEqual([nas, index, exists(index) ? 'disconnected' : 'rejected']);
    expect(first?.reports).toHaveLength(1);
  }
  for (const stub of stubs) {
    const names = stub.journal.all().map(({ body }) => body.session);
    expect(names).toHaveLength(perNas);
    expect(new Set(names).size).toBe(perNas);
    expect(stub.sessions()).toEqual([]);
  }
  const { authenticator, malformed } = client.dropped();
  expect(Math.min(authenticator, malformed)).toBeGreaterThan(0);
});
