// Calls every route of the disconnect service with the client that is generated from its document. client.test.ts checks
// the types of this file against that client, and runs it.

import * as api from './disconnect-client.js';

export async function callDisconnect(given: {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly token: string;
  readonly adminToken: string;
}): Promise<void> {
  api.defaults.baseUrl = given.baseUrl;
  api.defaults.fetch = given.fetch;
  const { token } = given;
  await api.getService();
  await api.getLiveness();
  await api.getReadiness();
  await api.getMetrics();

  for (const response of [
    await api.disconnect({ token }),
    await api.postDisconnect({ token }),
    await api.disconnect({}, { headers: { authorization: `Bearer ${token}` } }),
  ]) {
    if (response.status !== 200) throw new Error(`${response.status}: ${response.data.fail}`);
    const success: true = response.data.success;
    if (!success) throw new Error('no success');
  }
  const refused = await api.disconnect({ token: 'a.b.c' });
  if (refused.status !== 401) throw new Error(`${refused.status}`);
  const code: 'UNAUTHENTICATED' = refused.data.code;
  if (code !== 'UNAUTHENTICATED') throw new Error(code);
  const missing = await api.disconnect();
  if (missing.status !== 400) throw new Error(`${missing.status}`);
  const reason: 'BAD_INPUT' | 'NO_TOKEN' = missing.data.code;
  if (reason !== 'NO_TOKEN') throw new Error(reason);

  const asAdmin = { headers: { authorization: `Bearer ${given.adminToken}` } };
  const list = await api.listDisconnects({ limit: '1', outcome: 'disconnected' }, asAdmin);
  if (list.status !== 200) throw new Error(`${list.status}`);
  const [record] = list.data.records;
  if (!record || list.data.next === undefined) throw new Error('no record, or no next page');
  const shown = await api.showDisconnect(record.id, asAdmin);
  if (shown.status !== 200 || shown.data.outcome !== 'disconnected') throw new Error(`${shown.status}`);
}
