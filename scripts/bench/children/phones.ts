// Phones that pair concurrently. Arguments: the gateway's URL, how many pair at the same time. A line on stdin with {"seconds", "users"} starts a round,
// and a line of JSON ends it.

import { createInterface } from 'node:readline';
import { percentile } from '../statistics.ts';
import { createPhone } from './phone.ts';

const [gateway = '', atOnce] = process.argv.slice(2);
const concurrency = Number(atOnce);
const phone = createPhone(gateway, concurrency);

async function round({ seconds, users }: { seconds: number; users: string[] }): Promise<object> {
  const since = performance.now();
  const until = since + seconds * 1_000;
  const times: number[] = [];
  let started = 0;
  let failed = 0;
  let failure = '';
  const phoneAtWork = async (): Promise<void> => {
    while (performance.now() < until) {
      const began = performance.now();
      const turn = started++;
      await phone.pair(users[turn % users.length] ?? '', turn === 0).then(
        () => times.push(performance.now() - began),
        (error: Error) => {
          failed++;
          failure = error.message;
        },
      );
    }
  };
  await Promise.all(Array.from({ length: concurrency }, phoneAtWork));
  const elapsed = (performance.now() - since) / 1_000;
  return {
    perSecond: times.length / elapsed,
    requests: started,
    failed,
    failure,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
  };
}

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await round(JSON.parse(line)))}\n`);
}
