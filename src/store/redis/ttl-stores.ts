// The receipts and the stored responses in Redis. Used by store.ts, and by archive.ts, which exports and imports them.

import type { Receipt } from '../../domain/inbound/model.ts';
import { isReceipt, isStoredResponse } from '../guards.ts';
import type { StoreOptions } from '../options.ts';
import { responseCharacters } from '../weights.ts';
import { createRedisTtlStore, type RedisTtlStoreOptions } from './ttl-store.ts';

type Context = Pick<RedisTtlStoreOptions<Receipt>, 'redis' | 'keys' | 'now' | 'clock'>;

export function createRedisReceipts(context: Context, { receipts }: Pick<StoreOptions, 'receipts'>) {
  return createRedisTtlStore({ ...context, name: 'receipts', isValue: isReceipt, bounds: receipts });
}

export function createRedisResponses(context: Context, { responses }: Pick<StoreOptions, 'responses'>) {
  return createRedisTtlStore({
    ...context,
    name: 'responses',
    isValue: isStoredResponse,
    bounds: responses,
    charactersOf: responseCharacters,
  });
}
