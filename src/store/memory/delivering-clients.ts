// Gateway clients that have delivered SMS. Used by the memory and lowdb stores.

import type { DeliveringClient } from '../../domain/seeds/model.ts';
import type { DeliveringClientStore } from '../../domain/seeds/ports.ts';

/** The `known` clients, the longest silent first, after these deliveries; `max` of them at most. */
export function withDeliveries(
  known: readonly DeliveringClient[],
  clients: readonly DeliveringClient[],
  max: number,
): DeliveringClient[] {
  const byNumber = new Map(known.map((client) => [client.msisdn, client]));
  for (const client of clients) {
    const { lastDeliveryAt = Number.NEGATIVE_INFINITY } = byNumber.get(client.msisdn) ?? {};
    if (client.lastDeliveryAt > lastDeliveryAt) byNumber.set(client.msisdn, client);
  }
  return [...byNumber.values()].sort((a, b) => a.lastDeliveryAt - b.lastDeliveryAt).slice(-max);
}

export function createMemoryClients({ max }: { readonly max: number }): DeliveringClientStore {
  let known: readonly DeliveringClient[] = [];
  return {
    record: async (clients) => {
      known = withDeliveries(known, clients, max);
    },
    list: async () => known,
  };
}
