// The scripts of the stubs: their form, and the modes of the first requests.

import { describe, expect, onTestFinished, test } from 'vitest';
import { createModeSwitch } from '../../src/stubs/response-mode.ts';
import { parseStubScript } from '../../src/stubs/stub-script.ts';
import { startUsersStub } from '../../src/stubs/users.ts';

const modes = ['normal', 'refuse', 'slow'] as const;

test('a script with behaviour and expectations', () => {
  const script = parseStubScript(
    {
      behaviour: [{ mode: 'refuse' }, { mode: 'slow', ms: 20, times: 2 }],
      expect: [
        { received: ['message~=Hello', 'status=200'], times: 1 },
        { received: [], times: '>=2' },
      ],
    },
    modes,
  );
  expect(script.behaviour).toEqual([
    { mode: 'refuse', times: 1 },
    { mode: 'slow', times: 2, ms: 20 },
  ]);
  expect(script.expect.map(({ times }) => times)).toEqual([{ min: 1, max: 1 }, { min: 2 }]);
  expect(parseStubScript({}, modes)).toEqual({ behaviour: [], expect: [] });
});

test.each([
  [null, /the file: /],
  [[], /the file: /],
  [{ behavior: [] }, /\/behavior: unknown member/],
  [{ behaviour: [{ mode: 'angry' }] }, /behaviour\/0\/mode: expected one of normal, refuse, slow/],
  [{ behaviour: [{ mode: 'slow', times: 0 }] }, /behaviour\/0\/times/],
  [{ expect: [{ received: ['message'] }] }, /field~=pattern/],
  [{ expect: [{ received: [], times: 'many' }] }, /number of requests/],
])('%j is refused with its place', (content, message) =>
  expect(() => parseStubScript(content, modes)).toThrow(message),
);

describe('the modes of the first requests', () => {
  test('come in order, then that of the start', () => {
    const { next } = createModeSwitch<(typeof modes)[number]>('normal', undefined, [
      { mode: 'refuse', times: 2 },
      { mode: 'slow', times: 1, ms: 5 },
    ]);
    expect(Array.from({ length: 5 }, () => next().mode)).toEqual([
      'refuse',
      'refuse',
      'slow',
      'normal',
      'normal',
    ]);
  });

  test('end when the mode is changed', () => {
    const { next, set } = createModeSwitch<(typeof modes)[number]>('normal', undefined, [
      { mode: 'refuse', times: 9 },
    ]);
    set('slow');
    expect(next().mode).toBe('slow');
  });

  test('work in a stub without failures of its own', async () => {
    const steps = [{ mode: 'refuse', times: 1 }] as const;
    const stub = await startUsersStub({
      host: '127.0.0.1',
      port: 0,
      users: new Map([['alice', 'a']]),
      steps,
    });
    onTestFinished(() => stub.close());
    const verify = async () =>
      (
        await fetch(`${stub.url}/v2/users/alice/verify`, {
          method: 'POST',
          headers: { 'user-agent': 'test' },
          body: '{"password":"a"}',
        })
      ).status;
    expect([await verify(), await verify()]).toEqual([500, 200]);
  });
});
