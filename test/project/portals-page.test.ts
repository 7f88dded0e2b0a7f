// docs/portals.md: its programs sign tokens that the service accepts, its calls work, and its tables have exactly the failures that
// the service sends.

import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test, vi } from 'vitest';
import { getDocs } from '../../src/disconnect/api-description.ts';
import { errorCatalogue, isErrorCode } from '../../src/errors.ts';
import { playground } from '../../src/testing/index.ts';
import { other, rs256, sampleClaims, sampleTime } from '../crypto/token-builder.ts';
import { runProcess, swobScript } from '../support/binary.ts';
import {
  goodToken,
  localTokenWith,
  requestDisconnect,
  startDisconnect,
  tokenWith,
} from '../support/disconnect.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs, python } from '../support/needs.ts';
import { get, post, type TextResponse } from '../support/phone.ts';
import { onEnd } from '../support/teardown.ts';
import { httpResponse, startRawServer } from '../upstream/raw-server.ts';

const page = readFileSync('docs/portals.md', 'utf8');

/** The block that begins with this file name in a comment. */
function fileOf(name: string): string {
  const blocks = [...page.matchAll(/^```\w+\n(?:#|\/\/) (\S+)\n(.*?)^```/gms)];
  return blocks.find(([, file]) => file === name)?.[2] ?? expect.fail(`no block ${name}`);
}

/** The rows of the table with this heading, each as its cells. */
function rowsOf(heading: string): string[][] {
  const [, table = ''] = page.split(heading);
  const lines = /^\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(table)?.[1]?.trim().split('\n') ?? [];
  expect(lines.length).toBeGreaterThan(5);
  return lines.map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));
}

/** Whether a text is that of a cell, in which … stands for any text. */
function isLike(cell: string, text: string): boolean {
  const parts = cell
    .replaceAll('`', '')
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`, 's').test(text);
}

test('both programs sign tokens that the service accepts, by each of the calls', async (context) => {
  needs(context, { module: 'cryptography' }, { command: 'curl' });
  const services = await playground();
  onEnd(() => services.close());
  const cwd = temporaryFolder();
  symlinkSync(resolve('node_modules'), join(cwd, 'node_modules'));
  const path = `${dirname(swobScript)}:${dirname(process.execPath)}:/usr/bin:/bin`;
  const run = async (command: string, args: string[], env: object = {}): Promise<string> => {
    const result = await runProcess(command, args, { cwd, env: { ...services.env, PATH: path, ...env } });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    return result.stdout;
  };
  for (const [program, file] of [
    [process.execPath, 'sign.mjs'],
    [python, 'sign.py'],
  ] as const) {
    writeFileSync(join(cwd, file), fileOf(file));
    const token = (await run(program, [file])).trim();
    expect(await run('sh', ['-c', fileOf('call.sh')], { TOKEN: token })).toBe('{"success":true}'.repeat(4));
  }
  await services.stubs.pcrf.clear();
  expect(await run('sh', ['-c', fileOf('portal-test.sh')])).toContain('1 of 1 received');
});

/** One response for each failure of the table. */
async function everyFailure(): Promise<TextResponse[]> {
  const raw = await startRawServer(
    (socket) => void socket.write(httpResponse('{"success":false,"fail":"unknown"}')),
  );
  const verify = [
    'disconnect.verify=pcrf',
    'disconnect.verify_required=on',
    'disconnect.verify_within=100ms',
  ];
  const [pcrf, refusing, radius, limited, loaded, verifying] = await Promise.all([
    startDisconnect({ set: ['pcrf.pool.min=0', 'pcrf.pool.max=1'] }),
    startDisconnect({ pcrfPort: raw.port }),
    startDisconnect({ backend: 'radius' }),
    startDisconnect({ set: ['limits.disconnects=1/1m'] }),
    startDisconnect({ sample: () => ({ delayMs: 60_000, memory: 0 }) }),
    startDisconnect({ set: [...verify, 'pcrf.session_path=/account/session?session={session}'] }),
  ]);
  const url = `${pcrf.url}/disconnect`;
  const responses = [
    await get(url),
    await get(`${url}?token=a&token=b`),
    await get(`${url}?token=${'a'.repeat(8_193)}`),
    await post(url, '{"token":'),
    await requestDisconnect(pcrf, 'a.b.c'),
    await requestDisconnect(pcrf, goodToken, { headers: { purpose: 'prefetch' } }),
    await get(`${pcrf.url}/elsewhere`),
    await get(url, { method: 'DELETE' }),
    await post(url, 'x'.repeat(20_000)),
    await post(url, '<a/>', { 'content-type': 'text/xml' }),
    await requestDisconnect(refusing, goodToken),
  ];
  verifying.pcrf.setMode('ignore');
  responses.push(await requestDisconnect(verifying, goodToken));
  pcrf.pcrf.setMode('refuse', { count: 1 });
  responses.push(await requestDisconnect(pcrf, goodToken));
  pcrf.pcrf.setMode('hang', { count: 1 });
  const calls = pcrf.calls();
  const hanging = requestDisconnect(pcrf, goodToken);
  await vi.waitFor(() => expect(pcrf.calls()).toBe(calls + 1));
  const timers = pcrf.clock.pending;
  const waiting = requestDisconnect(pcrf, tokenWith({ sessionId: '2' }));
  // That of its wait for a connection.
  await vi.waitFor(() => expect(pcrf.clock.pending).toBeGreaterThan(timers));
  pcrf.clock.advance(5_000);
  responses.push(await waiting);
  pcrf.clock.advance(5_000);
  responses.push(await hanging);
  await pcrf.pcrf.close();
  responses.push(await requestDisconnect(pcrf, goodToken));

  const nas = radius.nas?.stub;
  nas?.setMode('refuse', { count: 1 });
  responses.push(await requestDisconnect(radius, localTokenWith()));
  nas?.setMode('hang', { count: 1 });
  const silent = requestDisconnect(radius, localTokenWith());
  await vi.waitFor(() => expect(nas?.journal.all()).toHaveLength(2));
  for (let second = 0; second < 5; second += 1) radius.clock.advance(1_000);
  responses.push(await silent);
  const strict = await startDisconnect({ backend: 'radius', set: ['nas branch.profile=fortigate'] });
  responses.push(await requestDisconnect(strict, localTokenWith()));

  await requestDisconnect(limited, goodToken);
  responses.push(await requestDisconnect(limited, goodToken));
  await requestDisconnect(loaded, goodToken);
  loaded.clock.advance(1_000);
  responses.push(await requestDisconnect(loaded, goodToken));
  return responses;
}

test('the table of responses has every failure, with its status and code', async () => {
  const rows = rowsOf('| status | `code` | `fail` | cause and cure |').slice(1);
  const seen = (await everyFailure()).map(({ status, text }) => {
    const { fail, code }: { fail: string; code: string } = JSON.parse(text);
    return { status, fail, code };
  });
  for (const { status, fail, code } of seen) {
    const matching = rows.filter(([, , cell = '']) => isLike(cell, fail));
    expect([fail, matching.map(([first, second]) => [first, second])]).toEqual([
      fail,
      [[String(status), `\`${code}\``]],
    ]);
  }
  const unseen = rows.filter(([, , cell = '']) => !seen.some(({ fail }) => isLike(cell, fail)));
  expect(unseen).toEqual([]);
  for (const code of getDocs.errors) expect(page).toContain(`\`${code}\``);
  for (const [status, code = ''] of rows) {
    const name = code.replaceAll('`', '');
    expect([code, isErrorCode(name) && String(errorCatalogue[name].http)]).toEqual([code, status]);
  }
});

test('the table of token faults has what the service says', async () => {
  const rows = rowsOf('| after `token refused:` | cure |');
  const now = sampleTime / 1_000;
  const set = ['validation.max_lifetime=20h', 'validation.issuer=doors', 'validation.audience=wifi'];
  const service = await startDisconnect({
    backend: 'radius',
    set: [...set, 'disconnect.nas_allow=127.0.0.0/8'],
  });
  const right = { iss: 'doors', aud: 'wifi' };
  const token = (claims: object): string => localTokenWith({ ...right, ...claims });
  const twice = JSON.stringify({ ...sampleClaims, ...right, nasIp: '127.0.0.1' }).slice(1);
  const tokens = [
    'a.b',
    `${token({})}=`,
    rs256({ ...sampleClaims, ...right }, { alg: 'RS256' }, other.privateKey),
    rs256(sampleClaims, { alg: 'RS384' }),
    token({ exp: undefined }),
    token({ exp: sampleTime }),
    token({ exp: now - 60 }),
    token({ iat: now + 60 }),
    token({ nbf: now + 60 }),
    token({ exp: now + 90_000 }),
    token({ iat: undefined }),
    token({ iss: 'x' }),
    token({ aud: undefined }),
    rs256(`{"vrf":"2",${twice}`),
    token({ sessionId: 1.5 }),
    token({ nasIp: '10.0.0.1' }),
    token({ vrf: '' }),
    token({ clientMac: 'x' }),
    token({ vrf: '1\n' }),
    token({ nasIp: '127.0.0.2' }),
  ];
  const faults: string[] = [];
  for (const each of tokens) {
    const { status, text } = await requestDisconnect(service, each);
    const [, fault = ''] = /^token refused: (.*)$/s.exec(JSON.parse(text).fail) ?? [];
    expect([status, rows.filter(([cell = '']) => isLike(cell, fault)).length, fault]).toEqual([
      401,
      1,
      fault,
    ]);
    faults.push(fault);
  }
  expect(rows.filter(([cell = '']) => !faults.some((fault) => isLike(cell, fault)))).toEqual([]);
});
