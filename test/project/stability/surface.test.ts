// The surface that scripts rely on is that of surface.json. Who changes it on purpose runs
// `npx vitest run test/project/stability --update` and notes the change in CHANGELOG.md.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/app/system-clock.ts';
import { createPlayground } from '../../../src/cli/playground/create.ts';
import { playgroundEnvironment } from '../../../src/cli/playground/environment.ts';
import {
  clusterBody,
  dekuBody,
  readClusterBody,
  readDekuBody,
} from '../../../src/domain/outgoing/message-bodies.ts';
import { createCli } from '../../cli/harness.ts';
import { fileOf } from '../../support/archives.ts';
import { startProcess, swobScript } from '../../support/binary.ts';
import { sampleRecords } from '../../support/sample-records.ts';
import { declaredSurface, membersOf } from './surface.ts';

const folder = mkdtempSync(join(tmpdir(), 'swob-surface-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let environment: Record<string, string>;
/** The Publisher rejects the next SMS, or fails, so that it waits. */
let failNextSms: (mode: 'reject' | 'refuse') => void;
beforeAll(async () => {
  const abort = new AbortController();
  const { playground, lifecycle } = await createPlayground({
    seedData: true,
    clock: systemClock,
    signal: abort.signal,
    setOptions: ['numbers.default_region=CM'],
    log: { level: 'silent', stderr: process.stderr, pretty: false, colours: false },
  });
  writeFileSync(join(folder, 'sample.jsonl'), await fileOf(sampleRecords(Date.now())));
  environment = { ...(await playgroundEnvironment(playground, Date.now())) };
  failNextSms = (mode) => playground.stubs.publisher.setMode(mode, { count: 1 });
  return async () => {
    abort.abort();
    await lifecycle.stop();
  };
});

/** The members that a command prints with --json; an error counts as well. */
async function printed(line: string): Promise<{ members: string[]; values: readonly unknown[] }> {
  const { SWOB_CONFIG: config = '', SWOB_PASSWORD: password = '' } = environment;
  const cli = createCli({
    clock: systemClock,
    env: { SWOB_CONFIG: config, SWOB_PASSWORD: password },
  });
  const words = line
    .replace(/\$(\w+)/g, (_all, name: string) => environment[name] ?? '')
    .replaceAll('FOLDER', folder)
    .split(' ');
  const ended = cli.swob('-c', config, '--json', ...words);
  if (longRunning.test(line)) {
    await Promise.race([ended, cli.out.until('\n')]);
    cli.signals.emit('SIGINT');
  }
  await ended;
  const values = [cli.out.text, cli.err.text].flatMap((text) =>
    text
      .split('\n')
      .flatMap((row): unknown[] => (row.startsWith('{') || row.startsWith('[') ? [JSON.parse(row)] : [])),
  );
  return { members: membersOf(values), values };
}

async function sendFailing(mode: 'reject' | 'refuse', text: string): Promise<void> {
  failNextSms(mode);
  await printed(`sms send alice ${text} --msisdn +237650393369 --key $PLAYGROUND_SHARED_KEY`);
}

async function sendOrdinarySms(): Promise<void> {
  await fetch(`${environment.PLAYGROUND_GATEWAY_URL}/sms/platform/gateway-client`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ MSISDN: '+237690000009', text: 'Your credit is 250 XAF' }),
  });
}

/** The text member of the first value; undefined when it is another command's. */
function memberOf([value]: readonly unknown[], name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}

/** Commands that run until a signal, once they have printed where they listen. */
const longRunning = /^(?:stub|playground start|sync qr)\b/;

/** In order, as later ones need what earlier ones made. */
const lines = [
  'completion bash',
  'config check',
  'config show api.port --origin',
  'jwt keygen --dir FOLDER',
  'jwt mint --key FOLDER/private.pem --sub alice',
  'jwt decode $PLAYGROUND_JWT',
  'jwt verify $MINTED --key FOLDER/public.pem',
  'seeds list',
  'seeds ping 624010000000001 +237650000009',
  'seeds get 624010000000001',
  'seeds test +237650000001',
  'seeds reliability',
  'status',
  'doctor',
  'sms send alice hello --msisdn +237650393369 --key $PLAYGROUND_SHARED_KEY',
  'sms send alice hello --dry-run --key $PLAYGROUND_SHARED_KEY',
  'sms failed',
  'sms trace $MESSAGE',
  'sms drop $FAILED --dry-run',
  'sms retry --all',
  'sms list',
  'sms retry --waiting --dry-run',
  'sms refused',
  'sms invite dev1 --msisdn +237650000001 --broker 127.0.0.1:5672',
  'sms outgoing cancel --request none --dry-run',
  'sms outgoing token dev1 --set outgoing.status_secret=hush',
  'sync pair alice',
  'sync qr alice',
  'pairings list',
  'pairings revoke alice --dry-run',
  'disconnect --token $PLAYGROUND_JWT',
  'disconnect --token $PLAYGROUND_JWT --dry-run',
  'disconnects list --limit 1 --url $PLAYGROUND_DISCONNECT_URL',
  'verify $PLAYGROUND_PUBLISHER_URL --received message~=hello',
  'stub callbacks --port 0',
  'stub developer --port 0',
  'stub nas --port 0 --radius-port 0',
  'stub pcrf --port 0',
  'stub publisher --port 0',
  'stub users --port 0 --user alice:secret',
  'playground start',
  'store import FOLDER/sample.jsonl --set store.url=file:FOLDER/store',
  'store import FOLDER/sample.jsonl --set store.url=file:FOLDER/store --merge --dry-run',
  'store export FOLDER/backup.jsonl --set store.url=file:FOLDER/store',
  // The lines of an export.
  'store export - --set store.url=file:FOLDER/store',
  // An error.
  'seeds get 1',
];

test('commands, exit codes, keys, metrics and JSON members are those of surface.json', async () => {
  const json: Record<string, readonly string[]> = {};
  for (const line of lines) {
    if (line === 'sms failed') await sendFailing('reject', 'again');
    if (line === 'sms list') await sendFailing('refuse', 'later');
    if (line === 'sms refused') await sendOrdinarySms();
    const { members, values } = await printed(line);
    json[`swob ${line}`] = members;
    environment.MINTED = memberOf(values, 'token') ?? environment.MINTED ?? '';
    if (line === 'sms failed') environment.FAILED = memberOf(values.flat(), 'id') ?? '';
    environment.MESSAGE = memberOf(values, 'id') ?? environment.MESSAGE ?? '';
  }
  Object.assign(json, await membersOfServe(), membersOfConsume());
  const surface = { ...(await declaredSurface()), json };
  await expect(`${JSON.stringify(surface, undefined, 1)}\n`).toMatchFileSnapshot('surface.json');
});

/** In a process of its own, because a signal to this one would end it. */
async function membersOfServe(): Promise<Record<string, string[]>> {
  const file = join(folder, 'ready.json');
  const ports = ['--set', 'api.port=0', '--set', 'websocket.port=0', '--set', 'store.url=memory:'];
  const line = ['serve', 'gateway', 'sync', '--json', '--ready-file', file, ...ports];
  const running = startProcess(process.execPath, [swobScript, ...line], { cwd: folder });
  await running.waitForOutput('stdout', '"service":"sync"');
  const ready: unknown = JSON.parse(readFileSync(file, 'utf8'));
  running.kill('SIGTERM');
  await running.exit;
  const lines = running.stdout().trim().split('\n');
  return {
    'swob serve': membersOf(lines.map((each): unknown => JSON.parse(each))),
    'swob serve --ready-file': membersOf([ready]),
  };
}

/** `sms consume` prints what a phone reads of a message; its own tests compare both at a real broker. */
function membersOfConsume(): Record<string, string[]> {
  const sms = {
    authId: 'dev1',
    operatorName: 'MTN',
    number: '+237650000001',
    text: 'hello',
    callingCode: null,
    networkCodes: [],
    sid: '1',
  };
  const deku = readDekuBody(dekuBody(sms, 1));
  return {
    'swob sms consume': membersOf([readClusterBody(clusterBody(sms))]),
    'swob sms consume --phone deku': membersOf(deku.kind === 'sms' ? [deku.message] : []),
  };
}

test('members are named by their path and type', () => {
  expect(membersOf([{ a: [{ b: 1 }, { b: null, c: 'x' }] }, [true]])).toEqual([
    '[]: boolean',
    'a[].b: null',
    'a[].b: number',
    'a[].c: string',
  ]);
});
