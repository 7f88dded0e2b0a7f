// A client that is generated from the OpenAPI document of a running service: its types fit, and it calls every route.

import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { generateSource } from 'oazapfts';
import { expect, test } from 'vitest';
import { createStatusToken } from '../../src/crypto/status-token.ts';
import { goodToken, startDisconnect } from '../support/disconnect.ts';
import { temporaryFolder } from '../support/folders.ts';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { createRecorder, fetchDocument, type OpenApi, operationsOf } from '../support/openapi.ts';
import { createPhone, decryptWith, encryptFor } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { encryptAsApp } from '../support/sms.ts';

const rabbit = rabbitForFile();

/** Generates the client, checks the types of the calls, and loads them. */
async function loadCalls(name: string, document: OpenApi): Promise<Record<string, unknown>> {
  const folder = temporaryFolder();
  const spec = join(folder, 'openapi.json');
  writeFileSync(spec, JSON.stringify(document));
  writeFileSync(join(folder, `${name}-client.ts`), await generateSource(spec, { useUnknown: true }));
  copyFileSync(resolve(`test/api/calls/${name}.mts`), join(folder, `${name}.mts`));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'dom'],
    module: 'nodenext',
    types: [],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }));
  const tsc = resolve('node_modules/typescript/bin/tsc');
  // The compiler reports errors on stdout, which is a member of the error of execFile.
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
    (error: unknown) => ({ stdout: '', ...Object(error) }),
  );
  expect(stdout).toBe('');
  const outfile = join(folder, 'calls.mjs');
  await build({
    entryPoints: [join(folder, `${name}.mts`)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  expect(readFileSync(outfile, 'utf8')).toContain('/readyz');
  return import(outfile);
}

/** The operations of the document that were not called. */
const left = (document: OpenApi, answered: ReadonlyMap<string, unknown>): string[] =>
  operationsOf(document)
    .map(({ operationId }) => operationId)
    .filter((operationId) => !answered.has(operationId));

test('the gateway: every route, with the types of the document, and every response as documented', async () => {
  const { url, managementUrl } = rabbit();
  const setup = { id: 'setup', key: 'secret' };
  const developer = { auth_id: `client${process.pid}`, auth_key: 's3cret' };
  const { gateway, folder, clock } = await startMessaging({
    set: [
      `broker.url=${url}`,
      `broker.management_url=${managementUrl}`,
      'broker.management_user=guest',
      'broker.management_password=guest',
      `outgoing.setup_id=${setup.id}`,
      `outgoing.setup_key=${setup.key}`,
      'outgoing.status_secret=status secret',
    ],
  });
  const document = await fetchDocument(gateway);
  const { fetch, answered } = createRecorder(document);
  const phone = createPhone();
  const { callGateway } = await loadCalls('gateway', document);
  if (typeof callGateway !== 'function') throw new TypeError('no calls');
  await callGateway({
    baseUrl: gateway,
    fetch,
    adminToken: readFileSync(join(folder, 'admin.token'), 'utf8').trim(),
    publicKeyPem: phone.publicKeyPem,
    encrypt: (key: string) => encryptFor(key, Buffer.from('correct horse')).toString('base64'),
    sms: (encryptedKey: string) =>
      encryptAsApp(decryptWith(phone.privateKey, Buffer.from(encryptedKey, 'base64')).toString(), 'a:b:c'),
    msisdn,
    developer,
    schedule_at: new Date(clock.now() + 3_600_000).toISOString(),
    statusToken: createStatusToken('status secret', developer.auth_id),
    setup,
  });
  expect(left(document, answered)).toEqual([]);
  for (const operationId of ['subscribe', 'sendSms', 'unsubscribe', 'receiveSms', 'pairPhone'])
    expect([operationId, [...(answered.get(operationId) ?? [])]]).toEqual([operationId, [200]]);
});

test('the disconnect service: every route, with the types of the document, and every response as documented', async () => {
  const service = await startDisconnect();
  const document = await fetchDocument(service.url);
  const { fetch, answered } = createRecorder(document);
  const { callDisconnect } = await loadCalls('disconnect', document);
  if (typeof callDisconnect !== 'function') throw new TypeError('no calls');
  const adminToken = readFileSync(join(service.folder, 'admin.token'), 'utf8').trim();
  await callDisconnect({ baseUrl: service.url, fetch, token: goodToken, adminToken });
  expect(left(document, answered)).toEqual([]);
  expect(service.calls()).toBe(3);
});
