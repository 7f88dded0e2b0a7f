// The operator's pages name metrics, codes, keys and messages that exist.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { errorCatalogue } from '../../src/errors.ts';
import { createInstallation } from '../process/installation.ts';
import { startSwob } from '../support/binary.ts';
import { startDisconnect } from '../support/disconnect.ts';
import { temporaryFolder } from '../support/folders.ts';
import { fetchDocument } from '../support/openapi.ts';
import { get } from '../support/phone.ts';

test('docs/operating.md and docs/many-machines.md name existing metrics and labels, and the command of docs/console.md works', async () => {
  const key = join(temporaryFolder(), 'public.pem');
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
  const { folder } = await createInstallation();
  const set = [`validation.public_key=${key}`, 'disconnect.port=0', 'broker.url=amqp://swob:x@127.0.0.1:1'];
  const services = ['gateway', 'sync', 'disconnect'];
  const { ready } = await startSwob(['serve', ...services, ...set.flatMap((pair) => ['--set', pair])], {
    cwd: folder,
  });
  const gateway = ready.gateway.url;
  // Counters of requests have no series before the first request.
  await get(`${gateway}/seeds`);
  const shown = (await get(`${gateway}/metrics`)).text.split('\n');

  const page = ['operating', 'many-machines']
    .map((name) => readFileSync(`docs/${name}.md`, 'utf8'))
    .join('\n');
  const named = [...page.matchAll(/`(swob_[a-z_]+)(?:\{([^}]*)\})?`/g)];
  expect(named.length).toBeGreaterThan(8);
  for (const [text, name = '', labels = ''] of named) {
    const lines = shown.filter((line) => new RegExp(`^${name}(_bucket)?[{ ]`).test(line));
    const wanted = labels.split(',').filter((label) => label !== '');
    const has = lines.some((line) =>
      wanted.every((label) => line.includes(label.includes('=') ? label : `${label}="`)),
    );
    expect(has, `${text} is not shown`).toBe(true);
  }

  const blocks = [...readFileSync('docs/console.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)];
  const commands = blocks.map(([, block = '']) => block.replace('http://127.0.0.1:6969', gateway));
  expect(commands).toEqual([expect.stringContaining(gateway)]);
  for (const command of commands) {
    const output = execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
    expect(JSON.parse(output)).toMatchObject({ settings: expect.any(Array) });
  }
});

test('docs/operating.md lists every code of the disconnect service with status and meaning', async () => {
  const page = readFileSync('docs/operating.md', 'utf8');
  const [, section = ''] = /\n## Codes of the disconnect service\n([\s\S]*?)\n## /.exec(page) ?? [];
  const rows = [...section.matchAll(/^\| `(\w+)` \| (\d+) \| (.*) \|$/gm)];
  const documented = JSON.stringify(await fetchDocument((await startDisconnect()).url));
  const codes = Object.entries(errorCatalogue).filter(
    // These answers belong to no route, so that no document has them.
    ([code]) => documented.includes(`"${code}"`) || ['NOT_FOUND', 'METHOD_NOT_ALLOWED'].includes(code),
  );
  expect(rows.map(([, code]) => code).sort()).toEqual(codes.map(([code]) => code).sort());
  for (const [, code = '', status, meaning] of rows) {
    const known = Object.entries(errorCatalogue).find(([name]) => name === code)?.[1];
    expect([code, status, meaning]).toEqual([
      code,
      String(known?.http),
      expect.stringContaining(known?.meaning ?? '?'),
    ]);
  }
});

test('every configuration in docs/operating.md loads without a warning', () => {
  const blocks = [...readFileSync('docs/operating.md', 'utf8').matchAll(/```ini\n(.*?)```/gs)];
  expect(blocks.length).toBeGreaterThan(0);
  for (const [, text = ''] of blocks) {
    const file = join(temporaryFolder(), 'conf.ini');
    writeFileSync(file, text);
    expect(loadConfig({ files: [file], env: {} }).warnings).toEqual([]);
  }
});

test('docs/operating.md quotes messages that the source contains', () => {
  const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(`src/${name}`, 'utf8'))
    .join('\n');
  const [, section = ''] =
    /\n## Failures and their messages\n([\s\S]*)/.exec(readFileSync('docs/operating.md', 'utf8')) ?? [];
  const quoted = [...section.matchAll(/^\| (.*?) \| /gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message),
  );
  expect(quoted.length).toBeGreaterThan(15);
  // The constant parts of each message; names of system errors are not in the source.
  const fragments = quoted.flatMap((message) => message.split(/…|: E[A-Z]+$/).map((part) => part.trim()));
  expect(fragments.filter((fragment) => fragment.length > 6 && !source.includes(fragment))).toEqual([]);
});
