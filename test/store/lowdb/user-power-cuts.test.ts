// Power cuts at any point of pairings, of the writing of their files, and of the starts that follow: each acknowledged record
// is there, none is older, and none is damaged.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failOnDamage } from '../../../src/store/lowdb/damaged-files.ts';
import { createDiskQueue } from '../../../src/store/lowdb/disk-queue.ts';
import { type LowdbUsers, openLowdbUsers } from '../../../src/store/lowdb/users.ts';
import { user } from '../../contract/store.ts';
import { effort } from '../../support/effort.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { createSimulatedDisk, type SimulatedDisk } from './simulated-disk.ts';

const userIds = ['a', 'b', 'c', 'd'];

type Step =
  | { readonly kind: 'pair'; readonly users: readonly string[] }
  | { readonly kind: 'wait'; readonly turns: number }
  | { readonly kind: 'reopen' };

interface Round {
  readonly steps: readonly Step[];
  readonly cutAfter: number;
  readonly choices: readonly number[];
}

/** Of one user: the value that was acknowledged last, and those that may have been stored since. */
interface Known {
  acknowledged: string | undefined;
  underWay: string[];
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pair' as const),
      users: fc.array(fc.constantFrom(...userIds), { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), turns: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);
const rounds: fc.Arbitrary<readonly Round[]> = fc.array(
  fc.record({
    steps: fc.array(steps, { maxLength: 8 }),
    cutAfter: fc.nat(120),
    choices: fc.array(fc.nat(100), { minLength: 8, maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 5 },
);

test('lose no acknowledged record, bring back no older one, and damage none', async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      let files: ReadonlyMap<string, Buffer> = new Map();
      const known = new Map<string, Known>(
        userIds.map((id) => [id, { acknowledged: undefined, underWay: [] }]),
      );
      for (const { steps, cutAfter, choices } of all) {
        const disk = createSimulatedDisk({ files, steps: cutAfter });
        await run(disk, steps, known).catch((error: unknown) => {
          if (!disk.isCut) throw error;
        });
        files = disk.imageAfterCut((count) => (choices[count % choices.length] ?? 0) % count);
        await check(files, known);
      }
    }),
    { numRuns: 80 * effort },
  );
});

let counter = 0;

async function run(
  disk: SimulatedDisk,
  steps: readonly Step[],
  known: ReadonlyMap<string, Known>,
): Promise<void> {
  const clock = createFakeClock();
  let users = await open(disk, clock);
  const pair = async (userId: string): Promise<void> => {
    const entry = known.get(userId);
    const sharedKey = `${counter++}`;
    entry?.underWay.push(sharedKey);
    await users.store.put({ ...user, userId, sharedKey });
    if (!entry) return;
    entry.acknowledged = sharedKey;
    entry.underWay = entry.underWay.filter((each) => Number(each) > Number(sharedKey));
  };
  for (const step of steps) {
    if (step.kind === 'pair') await Promise.all(step.users.map(pair));
    else if (step.kind === 'wait') {
      clock.advance(10_000);
      for (let turn = 0; turn < step.turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    } else {
      const closed = await users.close();
      users = await open(disk, clock, closed);
    }
  }
}

function open(disk: SimulatedDisk, clock = createFakeClock(), cleanShutdown = false): Promise<LowdbUsers> {
  return openLowdbUsers({
    disk,
    queue: createDiskQueue({ concurrency: 32, maxWaiting: 100 }),
    clock,
    log: createMemoryLog(),
    damage: failOnDamage,
    cleanShutdown,
    assertOpen: () => {},
    // Small, so that segments are removed, and pairings wait.
    bounds: { linesPerSegment: 3, maxLines: 8, maxCharacters: 1_000_000 },
  });
}

/** Reads them from the journal and the files, and again from the files alone. */
async function check(files: ReadonlyMap<string, Buffer>, known: ReadonlyMap<string, Known>): Promise<void> {
  const disk = createSimulatedDisk({ files });
  const users = await open(disk);
  const keyOf = async (from: LowdbUsers, userId: string) => (await from.store.get(userId))?.sharedKey;
  for (const [userId, entry] of known) {
    const found = await keyOf(users, userId);
    expect([entry.acknowledged, ...entry.underWay]).toContain(found);
    entry.acknowledged = found;
    entry.underWay = [];
  }
  await users.close();
  expect(await disk.list('user-journal')).toEqual([]);
  const again = await open(disk, createFakeClock(), true);
  for (const [userId, { acknowledged }] of known) expect(await keyOf(again, userId)).toBe(acknowledged);
}
