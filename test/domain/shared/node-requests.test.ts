// Requests between nodes, over a channel in memory that loses messages on request.

import { expect, test } from 'vitest';
import {
  createNodeRequests,
  type NodeChannel,
  type NodeRequests,
  type Peer,
} from '../../../src/domain/shared/node-requests.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

function createCluster() {
  const clock = createFakeClock();
  const listeners = new Set<{ readonly topic: string; readonly listener: (text: string) => void }>();
  const peers: Peer[] = [];
  const state = { isUp: true, published: 0 };
  const channel: NodeChannel = {
    publish: async (topic, text) => {
      if (!state.isUp) throw new Error('the channel is down');
      state.published++;
      for (const each of listeners) if (each.topic === topic) each.listener(text);
    },
    subscribe: (topic, listener) => {
      const each = { topic, listener };
      listeners.add(each);
      return { active: async () => {}, end: () => void listeners.delete(each) };
    },
  };
  const node = (name: string, version = '1'): NodeRequests => {
    const instance = `instance of ${name}`;
    peers.push({ name, instance });
    const requests = createNodeRequests({
      channel,
      ...{ name: () => name, instance, version },
      peers: async () => peers.filter((peer) => peer.instance !== instance),
      ...{ clock, log: createMemoryLog() },
    });
    requests.start();
    return requests;
  };
  return { clock, state, channel, peers, listeners, node };
}

/** Until everything that was sent has its response. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('has the responses of all nodes, the own one first, and leaves out nodes without the topic', async () => {
  const { node } = createCluster();
  const [a, b] = [node('a'), node('b')];
  node('sync only');
  const double = (name: string) => (request: { n: number }) => ({ name, doubled: 2 * request.n });
  const request = a.share('double', double('a'));
  b.share('double', double('b'));
  expect(await request({ n: 21 })).toEqual({
    responses: [
      { node: 'a', response: { name: 'a', doubled: 42 } },
      { node: 'b', response: { name: 'b', doubled: 42 } },
    ],
    missing: [],
  });
});

test('names the nodes that do not respond in time, run another version, fail or have too much', async () => {
  const { clock, node, peers } = createCluster();
  const request = node('a').share('topic', () => ({}));
  peers.push({ name: 'dead', instance: 'x' });
  node('new', '2').share('topic', () => ({}));
  node('failing').share('topic', () => Promise.reject(new Error('no')));
  node('full').share('topic', () => ({ text: 'x'.repeat(1_000_001) }));
  const sent = request({});
  await settled();
  clock.advance(499);
  await settled();
  clock.advance(1);
  const { responses, missing } = await sent;
  expect(responses).toEqual([{ node: 'a', response: {} }]);
  expect(missing.toSorted((x, y) => (x.node < y.node ? -1 : 1))).toEqual([
    { node: 'dead', reason: 'no response' },
    { node: 'failing', reason: 'failed' },
    { node: 'full', reason: 'too much' },
    { node: 'new', reason: 'version' },
  ]);
});

test('reuses responses of others for a moment, but never its own, and not where a request changes something', async () => {
  const { clock, node } = createCluster();
  const [a, b] = [node('a'), node('b')];
  const calls = { a: 0, b: 0, changes: 0 };
  const request = a.share('count', () => ({ count: ++calls.a }));
  b.share('count', () => ({ count: ++calls.b }));
  const change = a.share('change', () => ({}), { reuseMs: 0 });
  b.share('change', () => ({ changes: ++calls.changes }), { reuseMs: 0 });
  await Promise.all([request({}), request({}), change({}), change({})]);
  await request({});
  expect(calls).toEqual({ a: 3, b: 1, changes: 2 });
  clock.advance(900);
  expect((await request({})).responses.map(({ response }) => response.count)).toEqual([4, 2]);
});

test('without other nodes or without a channel it is a call, and nothing is sent', async () => {
  const { clock, state, node } = createCluster();
  const alone = node('a').share('topic', () => ({ one: 1 }));
  expect(await alone({})).toEqual({ responses: [{ node: 'a', response: { one: 1 } }], missing: [] });
  const single = createNodeRequests({
    ...{ channel: undefined, name: () => 'local', instance: 'i', version: '1' },
    ...{ peers: async () => [], clock, log: createMemoryLog() },
  });
  single.start();
  expect(await single.share('topic', () => ({ one: 1 }))({})).toMatchObject({ missing: [] });
  expect([state.published, clock.pending]).toEqual([0, 0]);
});

test('while the channel is down, others are missing immediately; an own failure is thrown', async () => {
  const { state, node } = createCluster();
  const a = node('a');
  node('b').share('topic', () => ({}));
  const request = a.share('topic', () => ({}), { reuseMs: 0 });
  state.isUp = false;
  expect(await request({})).toMatchObject({ missing: [{ node: 'b', reason: 'no response' }] });
  state.isUp = true;
  expect(await request({})).toMatchObject({ missing: [] });
  await expect(a.share('own', () => Promise.reject(new Error('mine')))({})).rejects.toThrow('mine');
});

test('bounds the requests that wait for responses, and ignores what no node has sent', async () => {
  const { channel, peers, clock, node } = createCluster();
  const request = node('a').share('topic', () => ({}), { reuseMs: 0 });
  peers.push({ name: 'dead', instance: 'x' });
  const sent = Array.from({ length: 64 }, () => request({}));
  await settled();
  // One more does not wait.
  expect(await request({})).toMatchObject({ missing: [{ node: 'dead', reason: 'no response' }] });
  for (const text of ['', '[]', '{}', '{"id":"1","from":7}', 'x'.repeat(3_000_000)]) {
    await channel.publish('responses:instance of a', text);
    await channel.publish('requests', text);
  }
  const response = { id: 'instance of a 1', from: 'x', node: 'dead', version: '1', response: 'not JSON' };
  await channel.publish('responses:instance of a', JSON.stringify(response));
  expect(await sent[0]).toMatchObject({ missing: [{ node: 'dead', reason: 'failed' }] });
  clock.advance(500);
  expect(await sent[63]).toMatchObject({ missing: [{ node: 'dead', reason: 'no response' }] });
});

test('after a stop nothing is listened to', async () => {
  const { listeners, node } = createCluster();
  const [a, b] = [node('a'), node('b')];
  await a.share('topic', () => ({}))({});
  expect(listeners.size).toBe(3);
  a.stop();
  b.stop();
  expect(listeners.size).toBe(0);
});
