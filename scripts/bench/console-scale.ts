// The console with 10,000 seeds, 100,000 messages and 200 open pages: server CPU, memory and bytes for each page, and how a real
// Chromium feels. Run by `npx tsx scripts/bench/console-scale.ts`; needs Redis and Chromium, and ends by itself.

import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { mapConcurrent } from '../../src/lib/concurrency.ts';
import type { ArchivedRecord } from '../../src/store/archive/archive.ts';
import { writeArchive } from '../../src/store/archive/file.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { type BenchEnvironment, createBenchEnvironment, swobScript } from './environment.ts';
import { cpuSeconds, residentKb } from './machine.ts';
import { startRedis } from './redis.ts';
import { endBySignal, onStop } from './signals.ts';
import { median } from './statistics.ts';

const counts = { seeds: 10_000, messages: 100_000, consoles: 200 };
const measuredMs = 10_000;
const streamsPerSession = 30;
/** As operators have them open: most look at the same, some search. */
const queries = [
  ...['overview?range=10m', 'overview?range=1h', 'seeds?', 'messages?', 'outgoing?', 'log?', 'pairings?'],
  ...[
    'seeds?country=Cameroon',
    'messages?state=dead-lettered',
    'messages?text=23765001',
    'seeds?text=2376500',
  ],
];
const pageLimitMs = 15_000;

const msisdnOf = (n: number): string => `+23765${String(n).padStart(7, '0')}`;

async function* messages(now: number): AsyncGenerator<ArchivedRecord> {
  for (let n = 0; n < counts.messages; n++) {
    const at = now - n * 100;
    yield {
      kind: 'inbound',
      record: {
        id: n.toString(16).padStart(32, '0'),
        content: { platform: 'gateway-client', msisdn: msisdnOf(n % counts.seeds), text: 'x'.repeat(160) },
        since: at,
        // Half of them wait for an hour, so that nothing is delivered meanwhile.
        dueAt: n % 2 === 0 ? now + 3_600_000 : null,
        attempts: 3,
        history: [
          { at, event: 'received by gateway-client' },
          { at: at + 50, event: 'failed: no connection' },
        ],
      },
    };
  }
}

async function importMessages(settings: readonly string[], folder: string): Promise<void> {
  const file = join(folder, 'messages.jsonl');
  const chunks: Buffer[] = [];
  const header = { made: new Date().toISOString(), by: 'a benchmark' };
  for await (const chunk of writeArchive(header, messages(Date.now()))) chunks.push(chunk);
  await writeFile(file, Buffer.concat(chunks));
  const set = settings.flatMap((setting) => ['--set', setting]);
  const { status, stderr } = spawnSync(process.execPath, [swobScript, 'store', 'import', file, ...set], {
    cwd: folder,
    timeout: 300_000,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the import failed: ${stderr}`);
}

async function pingAll(url: string): Promise<void> {
  async function* numbers(): AsyncGenerator<number> {
    for (let n = 0; n < counts.seeds; n++) yield n;
  }
  const ping = async (n: number): Promise<void> => {
    const seed = { IMSI: `62401${String(n).padStart(10, '0')}`, MSISDN: msisdnOf(n), seed_type: 'seed' };
    const response = await fetch(`${url}/seeds/ping`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(seed),
    });
    if (response.status !== 200) throw new Error(`a ping was refused: ${await response.text()}`);
    await response.arrayBuffer();
  };
  for await (const _ of mapConcurrent(numbers(), 50, ping));
}

async function signIn(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/console/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'x-swob-console': '1' },
    body: JSON.stringify({ token }),
  });
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** Streams that are read as browsers do; `bytes` grows. */
async function openStreams(url: string, token: string) {
  const state = { bytes: 0, open: 0 };
  const controller = new AbortController();
  let cookie = '';
  for (let n = 0; n < counts.consoles; n++) {
    if (n % streamsPerSession === 0) cookie = await signIn(url, token);
    const [view, query] = (queries[n % queries.length] ?? '').split('?');
    const response = await fetch(`${url}/console/api/${view}/events?${query}`, {
      headers: { cookie },
      signal: controller.signal,
    });
    if (response.status !== 200) throw new Error(`a stream was refused with ${response.status}`);
    state.open++;
    const read = async (): Promise<void> => {
      for await (const chunk of response.body ?? []) state.bytes += chunk.length;
    };
    read().catch(() => {
      state.open--;
    });
  }
  return { state, close: () => controller.abort() };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The CPU of one core in percent while nothing but the open pages asks for anything. */
async function load({ child }: Daemon, state: { bytes: number }) {
  const [cpu, bytes] = [cpuSeconds(child.pid), state.bytes];
  await wait(measuredMs);
  const seconds = measuredMs / 1_000;
  return {
    'server CPU %': Math.round((100 * (cpuSeconds(child.pid) - cpu)) / seconds),
    'server memory MB': Math.round(residentKb(child.pid) / 1_024),
    'bytes/s for each console': Math.round((state.bytes - bytes) / seconds / counts.consoles),
  };
}

async function viewInBrowser(page: Page, url: string, view: string, field: string, text: string) {
  await page.goto(`${url}/console/${view}`);
  await page.locator('tbody tr').first().waitFor();
  const firstRowMs = await page.evaluate('performance.now()');
  await page.evaluate(`
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: 'longtask', buffered: true });
  `);
  const latencies: number[] = [];
  for (let round = 0; round < 5; round++) {
    const number = msisdnOf(1_001 + 2 * round);
    const start = performance.now();
    await page.getByLabel(field).fill(text === '' ? number : text);
    await page.locator('tbody tr').first().getByText(number.slice(-4)).first().waitFor();
    latencies.push(performance.now() - start);
  }
  return {
    'first row ms': Math.round(Number(firstRowMs)),
    'filter ms (median)': Math.round(median(latencies)),
    'longest task ms': Math.round(Number(await page.evaluate('window.longest'))),
  };
}

async function measure(environment: BenchEnvironment): Promise<void> {
  const redis = await startRedis(environment);
  const folder = await environment.folder();
  const say = (what: string, figures: object): void => {
    for (const [name, value] of Object.entries(figures)) console.log(`${what}: ${name} ${value}`);
  };
  const store = [`store.url=${redis.url}`, 'publisher.max_kept=200000', 'seeds.expiry=3600s'];
  environment.reportProgress('importing messages');
  await importMessages(store, folder);
  const daemon = await startDaemon(environment, ['gateway'], { folder, settings: store });
  const { gateway } = daemon.urls;
  environment.reportProgress('pinging seeds');
  await pingAll(gateway);
  const token = (await readFile(join(folder, 'data', 'security', 'admin.token'), 'utf8')).trim();
  await wait(5_000);
  say('no console', { 'server memory MB': Math.round(residentKb(daemon.child.pid) / 1_024) });
  const streams = await openStreams(gateway, token);
  await wait(10_000);
  say(`${streams.state.open} consoles`, await load(daemon, streams.state));
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(pageLimitMs);
    await page.goto(`${gateway}/console/seeds`);
    await page.getByLabel('Admin token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('tbody tr').first().waitFor();
    say('seeds', await viewInBrowser(page, gateway, 'seeds', 'Search', ''));
    say('messages', await viewInBrowser(page, gateway, 'messages', 'Number or id', ''));
  } finally {
    await browser.close();
    streams.close();
  }
  const { child } = daemon;
  await wait(5_000);
  say('after closing', { 'server memory MB': Math.round(residentKb(child.pid) / 1_024) });
}

const effort = {
  rounds: 1,
  seconds: 1,
  quick: true,
  pin: true,
  profiles: undefined,
  users: 0,
  old: undefined,
};
const environment = await createBenchEnvironment(effort, (text) => console.error(text));
const end = endBySignal(environment);
onStop(end, end);
try {
  await measure(environment);
} finally {
  await environment.close();
}
