// The kinds of stores: the one place that knows them all. A new kind is a folder of its own under src/store and a line here.

import { join } from 'node:path';
import type { StoreRules } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { StoreAdapter, StoreKind } from '../../store/adapter.ts';
import { lowdbKind } from '../../store/lowdb/adapter.ts';
import { memoryAdapter, memoryKind } from '../../store/memory/adapter.ts';
import { redisKind } from '../../store/redis/adapter.ts';

const kinds: readonly StoreKind[] = [lowdbKind, memoryKind, redisKind];

/** Where nothing has to outlive the process: rate limits are all that some services keep. */
export const volatileAdapter = memoryAdapter;

export function storeAdapterOf(config: Config): StoreAdapter {
  return kindOf(config.store.url).createAdapter(config);
}

/** The folder in that of the store for the audit trail of a disconnect service without a gateway in its process. */
const auditFolder = 'disconnect';

/** The adapter of that folder; undefined where the store is not a folder. */
export function auditAdapterOf(config: Config): StoreAdapter | undefined {
  const { folder } = storeAdapterOf(config);
  if (folder === undefined) return undefined;
  const url = `file:${join(folder, auditFolder)}`;
  return storeAdapterOf({ ...config, store: { ...config.store, url } });
}

/** For the validation of the configuration. */
export const storeRules: StoreRules = {
  checkUrl: (url) => kindOf(url).checkUrl(url),
  settingErrors: (store) => {
    const used = kindOf(store.url);
    const others = kinds.filter((kind) => kind !== used);
    return [...others.flatMap((kind) => ownKeyErrors(kind, store)), ...used.settingErrors(store)];
  },
};

/** Throws an Error that names the forms of all kinds. */
function kindOf(url: string): StoreKind {
  const found = kinds.find(({ matches }) => matches(url));
  if (found) return found;
  const forms = kinds.map(({ form }) => form);
  throw new Error(`expected ${forms.slice(0, -1).join(', ')}, or ${forms.at(-1)}`);
}

function ownKeyErrors({ name, ownKeys }: StoreKind, store: Config['store']): string[] {
  const set = ownKeys.filter((key) => store[key] !== '' && store[key] !== 0);
  return set.map(
    (key) => `[store] ${key} is only for ${name}: remove it, or set [store] url to a ${name} URL`,
  );
}
