// A lowdb store that cannot write its last changes closes its files nevertheless: Node 26 ends a process in which an open file is
// collected as garbage.

import { afterEach, expect, test, vi } from 'vitest';
import { entry } from '../../contract/outboxes.ts';
import { openFiles } from '../../support/open-files.ts';
import { fillDisk, openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('no file stays open when the disk is full at the end', async () => {
  const { store, folder } = await openStore();
  await store.seeds.ping({ imsi: '1', msisdn: '1', seedType: 'seed', lps: 1 });
  await store.inbound.putClaimed({ ...entry, attemptStartedAt: 1 });
  expect(openFiles(folder)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^\/lps\//),
      expect.stringMatching(/^\/attempts-inbound\//),
    ]),
  );
  fillDisk();
  await expect(store.close()).rejects.toThrow();
  expect(openFiles(folder)).toEqual([]);
});
