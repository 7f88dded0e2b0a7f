// Whether phones trust a certificate, with a root, an intermediate and a leaf made by openssl(1).

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findTrustProblem } from '../../src/app/doctor/certificate-trust.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';

/** Certificates by name, each issued by the one before; the first signs itself. */
function makeChain(names: readonly string[]): string[] {
  const folder = temporaryFolder();
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  writeFileSync(join(folder, 'ca.cnf'), 'basicConstraints = critical, CA:TRUE\nkeyUsage = keyCertSign\n');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  names.forEach((name, index) => {
    const issuer = names[index - 1];
    const files = ['-subj', `/O=Test/CN=${name}`, '-keyout', `${name}.key`];
    if (issuer === undefined) {
      openssl('req', '-x509', ...key, ...files, '-days', '30', '-out', `${name}.crt`);
      return;
    }
    openssl('req', ...key, ...files, '-out', `${name}.csr`);
    const by = ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-days', '30'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-extfile', 'ca.cnf', '-out', `${name}.crt`);
  });
  return names.map((name) => readFileSync(join(folder, `${name}.crt`), 'utf8'));
}

test('a certificate is trusted when its chain leads to a root, without gaps', (context) => {
  needs(context, { command: 'openssl' });
  const [root = '', intermediate = '', leaf = ''] = makeChain(['root', 'intermediate', 'leaf']);
  const [, otherLeaf = ''] = makeChain(['other', 'leaf2']);
  expect(findTrustProblem([leaf, intermediate], [root])).toBeUndefined();
  expect(findTrustProblem([leaf + intermediate + root], [root])).toBeUndefined();
  expect(findTrustProblem([leaf, `${root}${intermediate}`], [root])).toBeUndefined();
  expect(findTrustProblem([intermediate], [root])).toBeUndefined();
  expect(findTrustProblem([leaf], [root])).toMatch(
    /^leads to CN=intermediate, .*intermediate certificate is missing$/,
  );
  expect(findTrustProblem([leaf, intermediate])).toMatch(/^leads to CN=root, which is no public authority/);
  expect(findTrustProblem([otherLeaf, intermediate], [root])).toMatch(/^leads to CN=other/);
  expect(findTrustProblem([root], [root])).toBe('is self-signed');
  expect(findTrustProblem([''], [root])).toBeUndefined();
});
