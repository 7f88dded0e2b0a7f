// The check of a server's certificate, against a TLS server with one that openssl(1) made.

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { probeTls } from '../../src/upstream/tls-probe.ts';
import { makeCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { freePorts } from '../support/ports.ts';

const signal = new AbortController().signal;

test('a certificate is trusted, refused, or unknown when there is no handshake', async (context) => {
  needs(context, { command: 'openssl' });
  const { crt, key } = makeCertificate(temporaryFolder(), 'server', 90, '127.0.0.1');
  const [cert, privateKey] = [readFileSync(crt, 'utf8'), readFileSync(key, 'utf8')];
  const server = createServer({ cert, key: privateKey });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const at = { host: '127.0.0.1', port };
  expect(await probeTls(at, signal, [cert])).toEqual({ kind: 'trusted' });
  expect(await probeTls(at, signal)).toEqual({ kind: 'refused', reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  expect(await probeTls({ host: 'localhost', port }, signal, [cert])).toEqual({
    kind: 'refused',
    reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  const [closed = 0] = await freePorts(1);
  expect(await probeTls({ host: '127.0.0.1', port: closed }, signal)).toEqual({
    kind: 'unknown',
    reason: 'ECONNREFUSED',
  });
  expect(await probeTls(at, AbortSignal.abort(), [cert])).toEqual({
    kind: 'unknown',
    reason: 'no response in time',
  });
});
