// The operator's pages name metrics as they are.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWorld } from '../process/world.ts';
import { startSwob } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { get } from '../support/phone.ts';

test('docs/operating.md and docs/many-machines.md name metrics and labels that there are', async () => {
  const key = join(temporaryFolder(), 'public.pem');
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
  const { folder } = await createWorld();
  const set = [`validation.public_key=${key}`, 'disconnect.port=0', 'broker.url=amqp://swob:x@127.0.0.1:1'];
  const services = ['gateway', 'sync', 'disconnect'];
  const { ready } = await startSwob(['serve', ...services, ...set.flatMap((pair) => ['--set', pair])], {
    cwd: folder,
  });
  const gateway = ready.gateway.url;
  // What counts requests and limits has no lines before the first ones.
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
});
