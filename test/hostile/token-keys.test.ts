// The key that tokens are checked with: unusable ones at start, and what becomes of its file while the service
// runs (HOSTILE.md J12, J16).

import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { other, privatePem, publicPem, rs256, sampleClaims } from '../crypto/handmade-token.ts';
import {
  type DisconnectWorld,
  expectRefused,
  expectService,
  goodToken,
  noticed,
  startDisconnect,
} from '../support/disconnect.ts';

const pemOf = (key: ReturnType<typeof generateKeyPairSync>['publicKey']): string =>
  key.export({ type: 'spki', format: 'pem' }).toString();
const otherPem = pemOf(other.publicKey);
const otherToken = rs256(sampleClaims, { alg: 'RS256' }, other.privateKey);
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
    const error = await startDisconnect({ key }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ name: 'SwobError', code: 'CONFIG', exit: 78 });
    expect(String(error)).toContain('/public.pem');
    expect(String(error)).toContain(reason);
    expect(String(error)).not.toContain(privatePem.split('\n')[1]);
  });
});

/** Lines about the key since the start. */
const linesOf = ({ log }: DisconnectWorld, message: string) =>
  log.lines.filter((line) => line.message.includes(message));
const taken = 'a new verification key is in use';
const kept = 'the last good one stays';

/** Without a warm connection to the PCRF: the timer that watches over its opening would blur `quiet`. */
const startQuiet = () => startDisconnect({ set: ['pcrf.pool.min=0'] });

describe('J16 the key file while the service runs', () => {
  test('replaced by renaming: the new key is taken without a restart', async () => {
    const world = await startQuiet();
    const quiet = world.clock.pending;
    await expectService(world);
    await expectRefused(world, otherToken, noMatch);
    writeFileSync(`${world.keyFile}.new`, otherPem, { mode: 0o440 });
    renameSync(`${world.keyFile}.new`, world.keyFile);
    await noticed(world, quiet, () => expect(linesOf(world, taken)).toHaveLength(1));
    expect(linesOf(world, taken)).toMatchObject([{ level: 'info', fields: { file: world.keyFile } }]);
    await expectService(world, otherToken);
    await expectRefused(world, goodToken, noMatch);
  });

  test('half-written, no key, private, deleted: the last good key stays; restored: nothing to do', async () => {
    const world = await startQuiet();
    const { keyFile } = world;
    const quiet = world.clock.pending;
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
      await noticed(world, quiet, () => expect(linesOf(world, kept).length).toBeGreaterThan(index));
      const last = linesOf(world, kept).at(-1);
      expect(last).toMatchObject({ level: 'warn', fields: { file: keyFile } });
      expect(last?.fields).toHaveProperty('error', expect.stringContaining(reason));
      await expectService(world);
      await expectRefused(world, otherToken, noMatch);
    }
    rmSync(keyFile, { recursive: true });
    writeFileSync(keyFile, publicPem, { mode: 0o440 });
    await noticed(world, quiet, () => expect(world.clock.pending).toBe(quiet));
    await expectService(world);
    expect(linesOf(world, taken)).toEqual([]);
    writeFileSync(`${keyFile}.new`, otherPem, { mode: 0o440 });
    renameSync(`${keyFile}.new`, keyFile);
    await noticed(world, quiet, () => expect(linesOf(world, taken)).toHaveLength(1));
    await expectService(world, otherToken);
  });

  test('written in parts: it is read once it has been quiet', async () => {
    const world = await startQuiet();
    const { clock, keyFile } = world;
    const quiet = clock.pending;
    writeFileSync(`${keyFile}.new`, otherPem.slice(0, 100), { mode: 0o640 });
    renameSync(`${keyFile}.new`, keyFile);
    await vi.waitFor(() => expect(clock.pending).toBe(quiet + 1));
    clock.advance(199);
    writeFileSync(keyFile, otherPem);
    await noticed(world, quiet, () => expect(linesOf(world, taken)).toHaveLength(1));
    expect(linesOf(world, kept)).toEqual([]);
    await expectService(world, otherToken);
  });

  test('in a folder that is exchanged as a whole, as orchestrators do: found within 30 s', async () => {
    const world = await startQuiet();
    const { folder } = world;
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
    mounted.clock.advance(30_000);
    await vi.waitFor(() => expect(linesOf(mounted, taken)).toHaveLength(1));
    await expectService(mounted, otherToken);
  });

  test('writable by others: a warning at the start and with a new key', async () => {
    const world = await startQuiet();
    const loose = 'can be written by others; chmod 0440 it';
    expect(linesOf(world, loose)).toEqual([]);
    const quiet = world.clock.pending;
    writeFileSync(`${world.keyFile}.new`, otherPem);
    chmodSync(`${world.keyFile}.new`, 0o664);
    renameSync(`${world.keyFile}.new`, world.keyFile);
    await noticed(world, quiet, () => expect(linesOf(world, loose)).toHaveLength(1));
    expect(linesOf(world, loose)).toMatchObject([
      { level: 'warn', fields: { file: world.keyFile, mode: '664' } },
    ]);
    const again = await startDisconnect({ set: [`validation.public_key=${world.keyFile}`] });
    expect(linesOf(again, loose)).toHaveLength(1);
    await expectService(again, otherToken);
  });
});
