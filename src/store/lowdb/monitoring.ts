// Monitoring histories in the lowdb store: in memory, and in one file. The states of nodes are in memory, since one process owns
// the folder.

import type { SavedHistory } from '../../domain/monitoring/model.ts';
import type { MonitoringStore } from '../../domain/monitoring/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { isObject } from '../../lib/json.ts';
import { isSavedHistory } from '../guards.ts';
import { createMemoryNodes, withHistory } from '../memory/monitoring.ts';
import type { MonitoringBounds } from '../options.ts';
import { withChecksum } from './checksum.ts';
import { type DamageHandler, parseChecked, readOrQuarantine } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';

/** `{"histories":[{"node":…,"savedAt":…,"text":…}]}`, the oldest first. */
const historyFile = 'history.json';

interface HistoryFile {
  readonly histories: readonly SavedHistory[];
}

export async function openLowdbMonitoring(options: {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly damage: DamageHandler;
  readonly clock: Clock;
  readonly monitoring: MonitoringBounds;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}): Promise<MonitoringStore> {
  const { disk, queue, damage, clock, monitoring: bounds, assertOpen } = options;
  let known = (await readOrQuarantine(damage, historyFile, () => readHistories(disk))) ?? [];
  return {
    ...createMemoryNodes(clock, bounds),
    saveHistory: async (history) => {
      assertOpen();
      await queue.runExclusive(historyFile, async () => {
        const next = withHistory(known, history, bounds);
        await disk.write(historyFile, withChecksum(JSON.stringify({ histories: next })));
        known = next;
      });
    },
    history: async (name) => known.find(({ node }) => node === name),
    historyNodes: async () => known.map(({ node }) => node),
  };
}

/** Empty before the first minute. Throws DamagedFileError. */
export async function readHistories(disk: Disk): Promise<readonly SavedHistory[]> {
  const text = await disk.read(historyFile);
  return text === undefined ? [] : parseChecked(disk, historyFile, text, isHistoryFile, 'opening').histories;
}

function isHistoryFile(value: unknown): value is HistoryFile {
  return isObject(value) && Array.isArray(value.histories) && value.histories.every(isSavedHistory);
}
