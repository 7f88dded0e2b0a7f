// The surface that scripts rely on is that of surface.json. Who changes it on purpose runs
// `npx vitest run test/project/stability --update` and notes the change in CHANGELOG.md.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/app/system-clock.ts';
import { createPlayground } from '../../../src/cli/playground/create.ts';
import { playgroundEnvironment } from '../../../src/cli/playground/environment.ts';
import { createCli } from '../../cli/harness.ts';
import { declaredSurface, membersOf } from './surface.ts';

const folder = mkdtempSync(join(tmpdir(), 'swob-surface-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let environment: Record<string, string>;
let refuseNextSms: () => void;
beforeAll(async () => {
  const abort = new AbortController();
  const { playground, lifecycle } = await createPlayground({
    seedData: true,
    clock: systemClock,
    signal: abort.signal,
    setOptions: ['numbers.default_region=CM'],
    log: { level: 'silent', stderr: process.stderr, pretty: false, colours: false },
  });
  environment = { ...(await playgroundEnvironment(playground, Date.now())) };
  refuseNextSms = () => playground.stubs.publisher.setMode('reject', { count: 1 });
  return async () => {
    abort.abort();
    await lifecycle.stop();
  };
});

/** The members that a command prints with --json; an error counts as well. */
async function printed(line: string, stdin = ''): Promise<{ members: string[]; values: readonly unknown[] }> {
  const { SWOB_CONFIG: config = '', SWOB_PASSWORD: password = '' } = environment;
  const cli = createCli({
    clock: systemClock,
    env: { SWOB_CONFIG: config, SWOB_PASSWORD: password },
    stdin: Readable.from([Buffer.from(stdin)]),
  });
  const words = line
    .replace(/\$(\w+)/g, (_all, name: string) => environment[name] ?? '')
    .replaceAll('FOLDER', folder)
    .split(' ');
  await cli.swob('-c', config, '--json', ...words);
  const values = [cli.out.text, cli.err.text].flatMap((text) =>
    text
      .split('\n')
      .flatMap((row): unknown[] => (row.startsWith('{') || row.startsWith('[') ? [JSON.parse(row)] : [])),
  );
  return { members: membersOf(values), values };
}

/** The text member of the first value; undefined when it is another command's. */
function memberOf([value]: readonly unknown[], name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}

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
  'sms retry --all',
  'sync pair alice',
  'disconnect --token $PLAYGROUND_JWT',
  'disconnects list --limit 1 --url $PLAYGROUND_DISCONNECT_URL',
  'verify $PLAYGROUND_PUBLISHER_URL --received message~=hello',
  // An error.
  'seeds get 1',
];

test('commands, exit codes, keys, metrics and JSON members are those of surface.json', async () => {
  const json: Record<string, readonly string[]> = {};
  for (const line of lines) {
    if (line === 'sms failed') {
      refuseNextSms();
      await printed('sms send alice again --msisdn +237650393369 --key $PLAYGROUND_SHARED_KEY');
    }
    const { members, values } = await printed(line);
    json[`swob ${line}`] = members;
    environment.MINTED = memberOf(values, 'token') ?? environment.MINTED ?? '';
    environment.MESSAGE = memberOf(values, 'id') ?? environment.MESSAGE ?? '';
  }
  const surface = { ...(await declaredSurface()), json };
  await expect(`${JSON.stringify(surface, undefined, 1)}\n`).toMatchFileSnapshot('surface.json');
});

test('members are named by their path and type', () => {
  expect(membersOf([{ a: [{ b: 1 }, { b: null, c: 'x' }] }, [true]])).toEqual([
    '[]: boolean',
    'a[].b: null',
    'a[].b: number',
    'a[].c: string',
  ]);
});
