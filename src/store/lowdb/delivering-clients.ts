// Gateway clients that have delivered SMS, in the lowdb store: in memory, and in one file.

import type { DeliveringClient } from '../../domain/seeds/model.ts';
import type { DeliveringClientStore } from '../../domain/seeds/ports.ts';
import { coalesceNext } from '../../lib/coalesce-next.ts';
import { isObject } from '../../lib/json.ts';
import { isDeliveringClient } from '../guards.ts';
import { withDeliveries } from '../memory/delivering-clients.ts';
import { withChecksum } from './checksum.ts';
import { type DamageHandler, parseChecked, readOrQuarantine } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';

/** `{"clients":[{"msisdn":…,"lastDeliveryAt":…}]}`, the longest silent first. */
const clientsFile = 'clients.json';

interface ClientsFile {
  readonly clients: readonly DeliveringClient[];
}

export async function openLowdbClients(options: {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly damage: DamageHandler;
  readonly clients: { readonly max: number };
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}): Promise<DeliveringClientStore> {
  const { disk, queue, damage, clients: bounds, assertOpen } = options;
  let known = (await readOrQuarantine(damage, clientsFile, () => readClients(disk))) ?? [];
  let unwritten: DeliveringClient[] = [];
  /** Deliveries that are recorded during a write share the next one, because every write is of the whole file. */
  const write = coalesceNext(() =>
    queue.runExclusive(clientsFile, async () => {
      const next = withDeliveries(known, unwritten, bounds.max);
      unwritten = [];
      await disk.write(clientsFile, withChecksum(JSON.stringify({ clients: next })));
      known = next;
    }),
  );
  return {
    record: async (clients) => {
      assertOpen();
      unwritten.push(...clients);
      await write(clientsFile);
    },
    list: async () => known,
  };
}

/** Empty before the first delivery. Throws DamagedFileError. */
export async function readClients(disk: Disk): Promise<readonly DeliveringClient[]> {
  const text = await disk.read(clientsFile);
  return text === undefined ? [] : parseChecked(disk, clientsFile, text, isClientsFile, 'opening').clients;
}

function isClientsFile(value: unknown): value is ClientsFile {
  return isObject(value) && Array.isArray(value.clients) && value.clients.every(isDeliveringClient);
}
