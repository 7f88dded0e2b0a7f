// The adapter of `[store] url = memory:`.

import { ok } from '../../lib/finding.ts';
import type { StoreAdapter, StoreKind } from '../adapter.ts';

export const memoryAdapter: StoreAdapter = {
  isShared: false,
  summary: 'in memory, lost at exit',
  configuredFiles: [],
  open: async (options) => {
    const { createMemoryStore } = await import('./store.ts');
    const store = createMemoryStore(options);
    return { store, embedded: store };
  },
  findHolder: async () => undefined,
  inspect: async () => [ok('store', 'in memory: its content is lost when swob exits')],
};

export const memoryKind: StoreKind = {
  name: 'memory',
  form: 'memory:',
  matches: (url) => url === 'memory:',
  checkUrl: () => {},
  ownKeys: [],
  settingErrors: () => [],
  createAdapter: () => memoryAdapter,
};
