// Leases, agreed values and channels of the clients of one store.

import { describe, expect, test, vi } from 'vitest';
import { openTwo, type RemoteClient } from './support.ts';

const sharedOf = ({ store }: RemoteClient) => {
  if (!store.shared) throw new Error('the store is not shared');
  return store.shared;
};

describe('a lease', () => {
  test('ends with its client, and another one gets it immediately', async () => {
    const { one, other } = openTwo();
    const [here, there] = [sharedOf(one).leases, sharedOf(other).leases];
    const { leaseId } = await here.acquire('k', 10_000);
    expect(await there.acquire('k', 10_000)).toEqual({ leaseId, acquired: false });
    expect(await there.poll('k', leaseId)).toBe('running');
    one.pair.close();
    expect(await there.poll('k', leaseId)).toBe('lost');
    expect(await there.acquire('k', 10_000)).toMatchObject({ acquired: true });
  });

  test('keeps its outcome when its client ends', async () => {
    const { one, other } = openTwo();
    const { leaseId } = await sharedOf(one).leases.acquire('k', 10_000);
    expect(await sharedOf(one).leases.complete('k', leaseId, 'done')).toBe(true);
    one.pair.close();
    expect(await sharedOf(other).leases.poll('k', leaseId)).toEqual({ outcome: 'done' });
  });
});

test('clients agree on the value of the first, for as long as one of them is there', async () => {
  const { one, other } = openTwo();
  expect(await sharedOf(one).agreeOn('server-key', 'a')).toBe('a');
  expect(await sharedOf(other).agreeOn('server-key', 'b')).toBe('a');
  one.pair.close();
  expect(await sharedOf(other).agreeOn('server-key', 'c')).toBe('a');
  await other.store.close();
});

describe('channels', () => {
  test('deliver to every listener of every client, in order, until it ends', async () => {
    const { one, other } = openTwo();
    const heard = { one: [] as string[], again: [] as string[], other: [] as string[] };
    const subscription = one.channels.subscribe('c', (text) => heard.one.push(text));
    await one.channels.subscribe('c', (text) => heard.again.push(text)).active();
    await other.channels.subscribe('c', (text) => heard.other.push(text)).active();
    await other.channels.subscribe('another', () => heard.other.push('never')).active();
    await one.channels.publish('c', '1');
    await vi.waitFor(() => expect(heard.other).toEqual(['1']));
    await other.channels.publish('c', '2');
    await vi.waitFor(() => expect(heard).toEqual({ one: ['1', '2'], again: ['1', '2'], other: ['1', '2'] }));
    subscription.end();
    subscription.end();
    await one.channels.publish('c', '3');
    await vi.waitFor(() => expect(heard.other).toEqual(['1', '2', '3']));
    expect(heard).toMatchObject({ one: ['1', '2'], again: ['1', '2', '3'] });
    await one.channels.publish('nobody', 'x');
    one.pair.close();
    await other.channels.publish('c', '4');
    await vi.waitFor(() => expect(heard.other).toEqual(['1', '2', '3', '4']));
    expect(heard.again).toEqual(['1', '2', '3']);
  });

  test('refuse messages when the owner has left too many unread, and when it is away', async () => {
    const { one } = openTwo();
    one.pair.hold();
    const megabyte = 'x'.repeat(1_000_000);
    const refused = await Promise.allSettled(
      Array.from({ length: 100 }, () => one.channels.publish('c', megabyte)),
    );
    expect(refused.filter(({ status }) => status === 'fulfilled')).toHaveLength(67);
    one.pair.close();
    await expect(one.channels.publish('c', 'x')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('notify a client that has read nothing for long that it has missed messages', async () => {
    const { one, other } = openTwo();
    const heard: number[] = [];
    let missed = 0;
    await one.channels.subscribe('c', (text) => heard.push(text.length)).active();
    one.channels.onReconnect(() => missed++);
    one.pair.hold();
    const megabyte = 'x'.repeat(1_000_000);
    for (let n = 0; n < 72; n++) {
      await other.channels.publish('c', megabyte);
      // Its answer follows the message.
      await other.store.probe();
    }
    one.pair.release();
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(50));
    expect([heard.length < 70, missed]).toEqual([true, 0]);
    await other.channels.publish('c', 'next');
    await vi.waitFor(() => expect(heard.at(-1)).toBe(4));
    expect(missed).toBe(1);
  });
});
