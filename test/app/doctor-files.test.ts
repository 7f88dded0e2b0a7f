// `swob doctor` with every configured file in every possible state: it reports a finding with
// a remedy, and all other findings as well.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runChecks } from '../../src/app/compose/doctor.ts';
import { systemClock } from '../../src/app/system-clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Finding } from '../../src/lib/finding.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { disconnectOf } from '../contract/disconnects.ts';
import { storeOptions } from '../contract/store.ts';
import { absentSystemSettings } from '../support/absent-systems.ts';
import { makeCertificate } from '../support/certificates.ts';
import { configFile } from '../support/config-files.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';

const services = ['gateway', 'sync', 'disconnect'] as const;

/** No server listens at its ports, and no lookup leaves this machine. */
async function examineWith(folder: string, ...overrides: string[]): Promise<Finding[]> {
  const absent = await absentSystemSettings();
  const { config } = loadConfig({
    files: [configFile('')],
    env: {},
    setOptions: [
      ...absent,
      'api.port=0',
      'websocket.port=0',
      'disconnect.port=0',
      `store.url=file:${join(folder, 'data')}`,
      `security.public_key_filepath=${join(folder, 'public.pem')}`,
      `security.private_key_filepath=${join(folder, 'private.pem')}`,
      `security.admin_token_filepath=${join(folder, 'admin.token')}`,
      `validation.public_key=${join(folder, 'verification.pem')}`,
      ...overrides,
    ],
  });
  const signal = new AbortController().signal;
  return runChecks({ config, services, clock: systemClock, signal, identifySwob: async () => undefined });
}

/** How the test puts the file into each state. */
const states = {
  'is missing': () => undefined,
  'is a folder': (file: string) => mkdirSync(file),
  'is a link to nothing': (file: string) => symlinkSync('/nowhere', file),
  'is a link to itself': (file: string) => symlinkSync(file, file),
  'is a pipe that nobody writes to': (file: string) => execFileSync('mkfifo', [file]),
  'is empty': (file: string) => writeFileSync(file, '', { mode: 0o600 }),
  'is garbage': (file: string) => writeFileSync(file, 'x\0\u00ff', { mode: 0o600 }),
  'is not text': (file: string) => writeFileSync(file, Buffer.from([0xff, 0xfe, 0x0a]), { mode: 0o600 }),
  'is endless': (file: string) => {
    writeFileSync(file, '', { mode: 0o600 });
    truncateSync(file, 2 ** 40);
  },
} as const;

const secret = 'validation.secret_file';

/** Every key that names a file, with the check that reports it. A certificate is tested together with its key. */
const keys: [key: string, check: string, made?: boolean][] = [
  ['security.public_key_filepath', 'gateway key', true],
  ['security.private_key_filepath', 'gateway key', true],
  ['security.admin_token_filepath', 'admin token', true],
  ['validation.public_key', 'verification key'],
  [secret, 'token secret'],
  ['api_ssl.crt', '[api_ssl]'],
  ['api_ssl.key', '[api_ssl]'],
  ['api_ssl.pem', '[api_ssl]'],
  ['websocket_ssl.crt', '[websocket_ssl]'],
  ['disconnect_ssl.key', '[disconnect_ssl]'],
  ['seeds.operators_file', 'operators file'],
];

describe.each(Object.entries(states))('a file that %s', (state, make) => {
  test.each(keys)('%s', async (key, check, made = false) => {
    const folder = temporaryFolder();
    const file = join(folder, 'file');
    make(file);
    const good = join(folder, 'good.secret');
    writeFileSync(good, '0'.repeat(64), { mode: 0o600 });
    const section = /^\w+_ssl(?=\.)/.exec(key)?.[0];
    const pair = section ? makeCertificate(folder, 'good') : undefined;
    const certificate = pair ? [`${section}.crt=${pair.crt}`, `${section}.key=${pair.key}`] : [];
    const findings = await examineWith(
      folder,
      'validation.algorithms=RS256,HS256',
      ...(key === secret ? [] : [`${secret}=${good}`]),
      ...certificate,
      `${key}=${file}`,
    );
    // All other findings are reported.
    expect(findings.length).toBeGreaterThan(12);
    expect(findings.filter(({ detail }) => detail.includes('could not be checked'))).toEqual([]);
    const about = findings.filter((finding) => finding.check === check);
    expect(about).toHaveLength(1);
    // Files that the first start creates may be missing.
    const isFine = made && state === 'is missing';
    expect(about[0]).toMatchObject({
      state: isFine ? 'ok' : 'fail',
      ...(!isFine && { detail: expect.stringContaining(file), advice: expect.stringMatching(/\w{3}/) }),
    });
    if (state === 'is a folder') expect(about[0]?.advice).toContain(`rmdir ${file}`);
    expect(JSON.stringify(findings)).not.toContain('BEGIN');
  });
});

test('the password and certificate files of Redis are checked before Redis is contacted', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'password'));
  const findings = await examineWith(
    folder,
    'store.url=rediss://127.0.0.1:1',
    `store.password_file=${join(folder, 'password')}`,
    `store.ca=${join(folder, 'missing')}`,
    'store.timeout=100ms',
  );
  expect(
    findings.filter(({ check }) => check.startsWith('redis ')).map(({ state, advice }) => [state, advice]),
  ).toEqual([
    ['fail', expect.stringContaining('rmdir')],
    ['fail', expect.stringContaining('[store] ca')],
  ]);
});

describe('the store', () => {
  test.each<[string, (data: string) => void, string, string]>([
    ['a file in its place', (data) => writeFileSync(data, ''), 'store folder', 'is not a folder'],
    [
      'a link to nothing',
      (data) => symlinkSync('/nowhere/x', data),
      'store folder',
      'is a link to /nowhere/x',
    ],
    ["another program's folder", (data) => other(data), 'store content', 'cannot be opened: '],
    [
      'a meta.json that is a folder',
      (data) => mkdirSync(join(data, 'meta.json'), { recursive: true }),
      'store content',
      'cannot be opened: ',
    ],
    ['a meta.json that is damaged', (data) => meta(data, '{"form'), 'store content', 'cannot be opened: '],
    [
      'a store of a later version',
      (data) => meta(data, '{"format":99}'),
      'store content',
      'cannot be opened: ',
    ],
  ])('%s is a finding', async (_what, make, check, words) => {
    const folder = temporaryFolder();
    make(join(folder, 'data'));
    const findings = await examineWith(folder);
    const [finding, ...more] = findings.filter((each) => each.check === check && each.state !== 'ok');
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      detail: expect.stringContaining(words),
      advice: expect.stringMatching(/\w/),
    });
    rmSync(join(folder, 'data'), { recursive: true });
  });

  test('the audit trail of a disconnect service that runs alone is checked too', async () => {
    const folder = temporaryFolder();
    const trail = join(folder, 'data', 'disconnect');
    const findingsOf = async () =>
      (await examineWith(folder)).filter(({ check }) => check.startsWith('audit trail '));
    expect(await findingsOf()).toEqual([]);
    const store = await openLowdbStore({ ...storeOptions(createFakeClock()), folder: trail });
    await store.disconnects.add(disconnectOf(1));
    expect(await findingsOf()).toMatchObject([
      { check: 'audit trail folder', state: 'ok' },
      { check: 'audit trail holder', state: 'ok', detail: expect.stringContaining(`pid ${process.pid} `) },
      { check: 'audit trail content', state: 'ok' },
    ]);
    await store.close();
    const file = join(trail, 'disconnects', '1.ndjson');
    writeFileSync(file, readFileSync(file, 'utf8').replace('alice', 'alicf'));
    expect((await findingsOf()).at(-1)).toMatchObject({
      check: 'audit trail content',
      state: 'warn',
      detail: expect.stringContaining(`${file} line 2`),
    });
  });

  const other = (data: string): void => {
    mkdirSync(data);
    writeFileSync(join(data, 'photo.jpg'), '');
  };
  const meta = (data: string, text: string): void => {
    mkdirSync(data);
    writeFileSync(join(data, 'meta.json'), text);
  };
});

describe('host names that no check connects to', () => {
  test('a Graylog host that does not resolve fails; an address passes; "off" is not checked', async () => {
    const folder = temporaryFolder();
    const graylog = async (...set: string[]) =>
      (await examineWith(folder, ...set)).filter(({ check }) => check === 'Graylog');
    expect(await graylog('logging.gelf_level=info', 'logging.gelf_host=graylog.invalid')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('graylog.invalid does not resolve') },
    ]);
    expect(await graylog('logging.gelf_level=info', 'logging.gelf_host=127.0.0.1')).toMatchObject([
      { state: 'ok' },
    ]);
    expect(await graylog('logging.gelf_level=info', 'logging.gelf_host=localhost')).toMatchObject([
      { state: 'ok' },
    ]);
    expect(await graylog('logging.gelf_level=off', 'logging.gelf_host=graylog.invalid')).toEqual([]);
  });

  test('an unresolved name is a warning for phones, and a failure for listening or calling', async () => {
    const findings = await examineWith(
      temporaryFolder(),
      'api.public_host=gw.invalid',
      'websocket.public_url=wss://ws.invalid:6996',
      'disconnect.host=here.invalid',
      'disconnect.port=1024',
      'publisher.host=publisher.invalid',
      'pcrf.host=pcrf.invalid',
    );
    const statesOf = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
    expect(statesOf).toMatchObject({
      'public host': 'warn',
      'websocket url': 'warn',
      'port of disconnect': 'fail',
      Publisher: 'fail',
      PCRF: 'fail',
    });
    expect(findings.find(({ check }) => check === 'port of disconnect')?.detail).toContain(
      'here.invalid does not resolve',
    );
  });
});
