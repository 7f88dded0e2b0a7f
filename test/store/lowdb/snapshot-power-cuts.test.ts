// Power cuts at any point of writing entries and the snapshot of them, whose file is then lost, torn or an earlier one: a start with
// it has what one that reads each file has, so that no message is lost and none is taken for another.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failOnDamage } from '../../../src/store/lowdb/damaged-files.ts';
import { createDiskQueue } from '../../../src/store/lowdb/disk-queue.ts';
import { type LowdbOutbox, openLowdbOutbox } from '../../../src/store/lowdb/outbox.ts';
import { createSnapshots, noSnapshots } from '../../../src/store/lowdb/snapshots.ts';
import { deadLetter, waiting } from '../../contract/outboxes.ts';
import { effort } from '../../support/effort.ts';
import { createMemoryLog } from '../../support/log.ts';
import { createSimulatedDisk, type SimulatedDisk } from './simulated-disk.ts';

const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
const snapshotFile = 'snapshots/inbound.json';

const subset = fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1 });
const steps = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('put' as const), ids: subset }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), ids: subset }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), turns: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);
const rounds = fc.array(
  fc.record({
    steps: fc.array(steps, { maxLength: 10 }),
    cutAfter: fc.nat(150),
    choices: fc.array(fc.nat(100), { minLength: 8, maxLength: 8 }),
    snapshot: fc.constantFrom('as it is', 'earlier', 'torn', 'zeros', 'gone'),
  }),
  { minLength: 1, maxLength: 5 },
);
type Round = (typeof rounds extends fc.Arbitrary<(infer R)[]> ? R : never) & object;

/** The revisions of an entry that may be stored: that which was acknowledged last, and later ones; 0 for none. */
type Known = Map<string, number[]>;
let lastRevision = 0;
let usedSnapshots = 0;

test('a snapshot that a power cut has torn, lost or brought back hides no message, and shows none as another', async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      let files: ReadonlyMap<string, Buffer> = new Map();
      const known: Known = new Map(ids.map((id) => [id, [0]]));
      const snapshots: Buffer[] = [];
      for (const round of all) {
        const disk = createSimulatedDisk({ files, steps: round.cutAfter });
        await run(disk, round.steps, known).catch((error: unknown) => {
          if (!disk.isCut) throw error;
        });
        const image = disk.imageAfterCut(
          (count) => (round.choices[count % round.choices.length] ?? 0) % count,
        );
        damageSnapshot(image, round, snapshots);
        await check(image, known);
        files = image;
      }
    }),
    { numRuns: 80 * effort },
  );
  expect(usedSnapshots).toBeGreaterThan(0);
});

async function run(disk: SimulatedDisk, all: Round['steps'], known: Known): Promise<void> {
  let { store, close } = await open(disk);
  const put = async (id: string): Promise<void> => {
    const revision = ++lastRevision;
    known.get(id)?.push(revision);
    // The time says which revision it is, in the index and in the file.
    await store.put(revision % 3 === 0 ? deadLetter(id, revision) : waiting(id, revision));
    acknowledge(known, id, revision);
  };
  const remove = async (id: string): Promise<void> => {
    // A power cut may bring the file back, which is then delivered again.
    await store.remove(id);
    known.get(id)?.push(0);
  };
  for (const step of all) {
    if (step.kind === 'put') await Promise.all(step.ids.map(put));
    else if (step.kind === 'remove') await Promise.all(step.ids.map(remove));
    else if (step.kind === 'wait') {
      for (let turn = 0; turn < step.turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    } else {
      await close();
      ({ store, close } = await open(disk));
    }
  }
}

function acknowledge(known: Known, id: string, revision: number): void {
  known.set(
    id,
    (known.get(id) ?? []).filter((each) => each >= revision),
  );
}

function damageSnapshot(image: Map<string, Buffer>, { snapshot, choices }: Round, earlier: Buffer[]): void {
  const written = image.get(snapshotFile);
  const [choice = 0] = choices;
  const before = earlier[choice % Math.max(1, earlier.length)];
  if (written) earlier.push(written);
  if (snapshot === 'gone') image.delete(snapshotFile);
  else if (snapshot === 'earlier' && before) image.set(snapshotFile, before);
  else if (written && snapshot === 'torn') image.set(snapshotFile, written.subarray(0, written.length / 2));
  else if (written && snapshot === 'zeros') image.set(snapshotFile, Buffer.alloc(written.length));
}

async function check(image: ReadonlyMap<string, Buffer>, known: Known): Promise<void> {
  const { reads, ...withSnapshot } = await stateOf(image, true);
  const { reads: allReads, ...withoutOne } = await stateOf(image, false);
  expect(withSnapshot).toEqual(withoutOne);
  if (reads < allReads) usedSnapshots++;
  for (const [id, revisions] of known) {
    const revision = withSnapshot.revisions.get(id) ?? 0;
    expect(revisions).toContain(revision);
    known.set(id, [revision]);
  }
}

/** What a start finds: by its index, and in the files. */
async function stateOf(files: ReadonlyMap<string, Buffer>, withSnapshot: boolean) {
  const disk = createSimulatedDisk({ files });
  let reads = 0;
  const counted: SimulatedDisk = {
    ...disk,
    readNow: (name) => {
      reads++;
      return disk.readNow(name);
    },
  };
  const { store } = await open(counted, withSnapshot);
  const revisions = new Map<string, number>();
  for (const id of ids) {
    const entry = await store.get(id);
    if (entry) revisions.set(id, entry.dueAt ?? entry.since);
  }
  const idsOf = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);
  return {
    reads,
    revisions,
    count: await store.count(),
    waiting: idsOf(await store.waiting(ids.length)),
    deadLetters: idsOf(await store.deadLetters(ids.length)),
    nextDueAt: await store.nextDueAt(),
  };
}

async function open(disk: SimulatedDisk, withSnapshots = true) {
  const queue = createDiskQueue({ concurrency: 32, maxWaiting: 100 });
  const log = createMemoryLog();
  const outbox: LowdbOutbox<unknown> = await openLowdbOutbox<unknown>({
    disk,
    queue,
    log,
    damage: failOnDamage,
    kind: 'inbound',
    isContent: (value): value is unknown => value !== undefined,
    openSnapshot: withSnapshots ? createSnapshots(disk, queue, log, 2) : noSnapshots,
    max: 100,
    full: () => {
      throw new Error('full');
    },
    assertOpen: () => {},
  });
  return { store: outbox.join().store, close: outbox.close };
}
