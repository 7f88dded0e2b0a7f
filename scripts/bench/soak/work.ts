// What the daemon has done of each kind of work in a soak test, by its own metrics: a kind that was not done tells nothing about
// memory. Used by soak.ts.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SoakSystems } from './systems.ts';

/** By kind, in words. */
export type Work = Readonly<Record<string, number>>;

const counters = {
  pings: 'swob_http_requests_total{service="gateway",method="POST",route="/seeds/ping",status="2xx"}',
  pairings: 'swob_pairings_total{outcome="paired"}',
  'inbound SMS': 'swob_inbound_sms_total{outcome="published"}',
  disconnects: 'swob_disconnects_total{outcome="done"}',
  'console sign-ins': 'swob_console_sign_ins_total{outcome="accepted"}',
};
const outgoing = {
  'outgoing SMS': 'swob_outgoing_states_total{state="delivered"}',
  callbacks: 'swob_callback_attempts_total{outcome="delivered"}',
};

export async function countWork(
  { daemon, folder }: Pick<SoakSystems, 'daemon' | 'folder'>,
  sendsSms: boolean,
): Promise<Work> {
  const metrics = await daemon.metrics();
  const names = Object.entries({ ...counters, ...(sendsSms && outgoing) });
  const archives = (await readdir(join(folder, 'log'))).filter((name) => !name.endsWith('.log'));
  return {
    ...Object.fromEntries(names.map(([kind, name]) => [kind, metrics.get(name) ?? 0])),
    'log archives': archives.length,
  };
}
