// The key that verifies tokens: unusable keys at start, and changes of the key file while the service
// runs (docs/protocol.md, J12, J16).

import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { other, privatePem, publicPem, rs256 } from '../crypto/token-builder.ts';
import {
  backends,
  type DisconnectService,
  expectRefused,
  expectService,
  localClaims,
  localTokenWith,
  startDisconnect,
  untilKeyChangeNoticed,
} from '../support/disconnect.ts';

const pemOf = (key: ReturnType<typeof generateKeyPairSync>['publicKey']): string =>
  key.export({ type: 'spki', format: 'pem' }).toString();
const otherPem = pemOf(other.publicKey);
const otherToken = rs256(localClaims, { alg: 'RS256' }, other.privateKey);
const noMatch = 'its signature does not match the key';

describe('J12 the service does not start with', () => {
  const small = pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
  const ec = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
  const cases: [name: string, key: string | null, reason: string][] = [
    ['an RSA key under 2048 bits', small, 'has 1024 bits; 2048 to 16384 are accepted'],
    ['a private key', privatePem, 'holds a private key'],
    ['a private key beside the public one', `${publicPem}${privatePem}`, 'holds a private key'],
    ['a key that is not RSA', ec, 'is of type ec; RSA is needed'],
    ['two keys', `${publicPem}${otherPem}`, 'holds more than one key'],
    ['half a key', publicPem.slice(0, 200), 'is damaged'],
    ['an empty file', '', 'is not a public key or certificate in PEM'],
    ['a shared secret', 'a secret of at least thirty-two bytes', 'is not a public key or certificate in PEM'],
    ['no file', null, 'ENOENT'],
  ];

  test.each(cases)('%s, and says which file and why', async (_name, key, reason) => {
    for (const backend of backends) {
      const error = await startDisconnect({ key, backend }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ name: 'SwobError', code: 'CONFIG', exitCode: 78 });
      expect(String(error)).toContain('/public.pem');
      expect(String(error)).toContain(reason);
      expect(String(error)).not.toContain(privatePem.split('\n')[1]);
    }
  });
});

/** Log lines about the key since the start. */
const linesOf = ({ log }: DisconnectService, message: string) =>
  log.lines.filter((line) => line.message.includes(message));
const taken = 'a new verification key is in use';
const kept = 'the last good one stays';

describe('J16 the key file while the service runs', () => {
  test.each(backends)(
    'replaced by a rename: the service uses the new key without a restart (%s)',
    async (backend) => {
      const services = await startDisconnect({ backend });
      await expectService(services);
      await expectRefused(services, otherToken, noMatch);
      writeFileSync(`${services.keyFile}.new`, otherPem, { mode: 0o440 });
      renameSync(`${services.keyFile}.new`, services.keyFile);
      await untilKeyChangeNoticed(services, () => expect(linesOf(services, taken)).toHaveLength(1));
      expect(linesOf(services, taken)).toMatchObject([{ level: 'info', fields: { file: services.keyFile } }]);
      await expectService(services, otherToken);
      await expectRefused(services, localTokenWith(), noMatch);
    },
  );

  test.each(backends)(
    'half-written, without a key, private or deleted: the last good key stays in use (%s)',
    async (backend) => {
      const services = await startDisconnect({ backend });
      const { keyFile } = services;
      chmodSync(keyFile, 0o640);
      const reasons = [
        [() => writeFileSync(keyFile, publicPem.slice(0, 150)), 'is damaged'],
        [() => writeFileSync(keyFile, ''), 'is not a public key'],
        [() => writeFileSync(keyFile, privatePem), 'holds a private key'],
        [() => writeFileSync(keyFile, 'x'.repeat(70_000)), 'it is larger than 65536 bytes'],
        [() => rmSync(keyFile), 'ENOENT'],
        [() => mkdirSync(keyFile), 'EISDIR'],
      ] as const;
      for (const [index, [change, reason]] of reasons.entries()) {
        change();
        await untilKeyChangeNoticed(services, () =>
          expect(linesOf(services, kept).length).toBeGreaterThan(index),
        );
        const last = linesOf(services, kept).at(-1);
        expect(last).toMatchObject({ level: 'warn', fields: { file: keyFile } });
        expect(last?.fields).toHaveProperty('error', expect.stringContaining(reason));
        await expectService(services);
        await expectRefused(services, otherToken, noMatch);
      }
      rmSync(keyFile, { recursive: true });
      writeFileSync(keyFile, publicPem, { mode: 0o440 });
      await expectService(services);
      writeFileSync(`${keyFile}.new`, otherPem, { mode: 0o440 });
      renameSync(`${keyFile}.new`, keyFile);
      await untilKeyChangeNoticed(services, () => expect(linesOf(services, taken)).toHaveLength(1));
      await expectService(services, otherToken);
    },
  );

  test('written in parts: the part is not reported', async () => {
    const services = await startDisconnect();
    const { clock, keyFile } = services;
    writeFileSync(keyFile, otherPem.slice(0, 100), { mode: 0o640 });
    clock.advance(2_000);
    writeFileSync(keyFile, otherPem);
    await untilKeyChangeNoticed(services, () => expect(linesOf(services, taken)).toHaveLength(1));
    expect(linesOf(services, kept)).toEqual([]);
    await expectService(services, otherToken);
  });

  test('in a folder that an orchestrator replaces as a whole: the new key is found', async () => {
    const services = await startDisconnect();
    const { folder } = services;
    for (const [name, pem] of [
      ['v1', publicPem],
      ['v2', otherPem],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'key.pem'), pem, { mode: 0o440 });
    }
    symlinkSync('v1', join(folder, 'current'));
    const key = join(folder, 'current', 'key.pem');
    const mounted = await startDisconnect({ set: [`validation.public_key=${key}`] });
    await expectService(mounted);
    symlinkSync('v2', join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'current'));
    await untilKeyChangeNoticed(mounted, () => expect(linesOf(mounted, taken)).toHaveLength(1));
    await expectService(mounted, otherToken);
  });

  test('writable by others: a warning is logged at start and with each new key', async () => {
    const services = await startDisconnect();
    const loose = 'other users can write the verification key; set its mode with chmod 0440';
    expect(linesOf(services, loose)).toEqual([]);
    writeFileSync(`${services.keyFile}.new`, otherPem);
    chmodSync(`${services.keyFile}.new`, 0o664);
    renameSync(`${services.keyFile}.new`, services.keyFile);
    await untilKeyChangeNoticed(services, () => expect(linesOf(services, loose)).toHaveLength(1));
    expect(linesOf(services, loose)).toMatchObject([
      { level: 'warn', fields: { file: services.keyFile, mode: '664' } },
    ]);
    const again = await startDisconnect({ set: [`validation.public_key=${services.keyFile}`] });
    expect(linesOf(again, loose)).toHaveLength(1);
    await expectService(again, otherToken);
  });
});
