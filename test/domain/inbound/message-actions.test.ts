import { expect, test } from 'vitest';
import { undoMs } from '../../../src/domain/inbound/message-actions.ts';
import { by, createTools } from './message-tools-fixture.ts';
import { down, message, published, rejected, sms, unanswered } from './publishing-fixture.ts';

type Tools = Awaited<ReturnType<typeof createTools>>;

async function pass({ clock, settle }: Tools, ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

test('a drop is carried out when the time for undoing it is over, and not before', async () => {
  const tools = await createTools();
  const [id = ''] = await tools.receiveSome(1, rejected);
  expect(await tools.actions.request('drop', { id }, by)).toMatchObject({
    kind: 'pending',
    action: { state: 'pending', kind: 'drop', runsAt: tools.clock.now() + undoMs.drop },
  });
  await pass(tools, undoMs.drop - 1);
  expect(await tools.store.inbound.get(id)).toBeDefined();
  await pass(tools, 1);
  expect(await tools.store.inbound.get(id)).toBeUndefined();
  expect(tools.latest()).toMatchObject({ state: 'done', total: 1, done: 1, skipped: 0 });
});

test('an action that is undone changes nothing, and cannot be undone twice or too late', async () => {
  const tools = await createTools();
  const [id = ''] = await tools.receiveSome(1, rejected);
  await tools.actions.request('drop', { id }, by);
  const undone = tools.latest()?.id ?? '';
  expect(tools.actions.undo(undone, by)).toBe('undone');
  expect(tools.actions.undo(undone, by)).toBe('too late');
  await pass(tools, undoMs.drop);
  expect(await tools.store.inbound.get(id)).toBeDefined();
  expect(tools.latest()).toMatchObject({ state: 'undone', done: 0 });
  await tools.actions.request('drop', { id }, by);
  await pass(tools, undoMs.drop);
  expect(tools.actions.undo(tools.latest()?.id ?? '', by)).toBe('too late');
  expect(tools.actions.undo('another', by)).toBe('unknown');
});

test('a retried message is published, and each step is logged with operator and address', async () => {
  const tools = await createTools();
  const [id = ''] = await tools.receiveSome(1, rejected);
  tools.publisher.publish.mockImplementation(published);
  await tools.actions.request('retry', { id }, by);
  await pass(tools, undoMs.retry);
  await pass(tools, 1_000);
  expect(tools.publisher.publish.mock.lastCall?.[2]).toBe(message);
  expect((await tools.messageAdmin.trace(id)).state).toBe('published');
  const lines = tools.log.lines.filter(({ fields }) => 'operator' in fields);
  expect(lines.map(({ message: text }) => text)).toEqual([
    'an operator requested a retry of messages',
    "an operator's retry of messages is done",
  ]);
  expect(lines.every(({ fields }) => 'address' in fields && fields.address === by.address)).toBe(true);
});

test('all that match are retried or dropped, and no others', async () => {
  const tools = await createTools();
  const dead = await tools.receiveSome(4, rejected);
  // Without another attempt for ten minutes.
  const [unknown = ''] = await tools.receiveSome(1, unanswered);
  await tools.actions.request('drop', { filter: { state: 'dead-lettered', text: '000000' } }, by);
  await pass(tools, undoMs.drop);
  expect(tools.latest()).toMatchObject({ state: 'done', total: 0, done: 0 });
  await tools.actions.request('drop', { filter: { state: 'dead-lettered', text: '+237650393369' } }, by);
  await pass(tools, undoMs.drop);
  expect(JSON.stringify(tools.log.lines.filter(({ fields }) => 'operator' in fields))).not.toContain(
    '393369',
  );
  expect(tools.latest()).toMatchObject({ state: 'done', total: 4, done: 4 });
  expect(await Promise.all(dead.map((id) => tools.store.inbound.get(id)))).toEqual(dead.map(() => undefined));
  expect(await tools.store.inbound.get(unknown)).toBeDefined();
  tools.publisher.publish.mockImplementation(published);
  await tools.actions.request('retry', { filter: { state: 'waiting' } }, by);
  await pass(tools, undoMs.retry);
  await pass(tools, 1_000);
  expect(tools.latest()).toMatchObject({ kind: 'retry', state: 'done', total: 1, done: 1 });
  expect(await tools.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
});

test('messages that have changed meanwhile are skipped', async () => {
  const tools = await createTools();
  const [first = '', second = ''] = await tools.receiveSome(2, rejected);
  await tools.actions.request('drop', { id: first }, by);
  await tools.actions.request('drop', { filter: { state: 'dead-lettered' } }, by);
  await tools.publishing.outbox.drop(first);
  await pass(tools, undoMs.drop);
  expect(tools.actions.list()).toMatchObject([
    { state: 'done', total: 1, done: 1, skipped: 0 },
    { state: 'done', total: 1, done: 0, skipped: 1 },
  ]);
  expect(await tools.store.inbound.get(second)).toBeUndefined();
});

test('refuses what makes no sense, and says why', async () => {
  const tools = await createTools();
  const { id } = await tools.receive(sms());
  const [waiting = ''] = await tools.receiveSome(1, down);
  const { id: refused } = await tools.receive('an ordinary SMS');
  const reasonOf = async (...[kind, target]: Parameters<Tools['actions']['request']>) => {
    const outcome = await tools.actions.request(kind, target, by);
    return outcome.kind === 'pending' ? 'pending' : outcome.reason;
  };
  expect(await reasonOf('retry', { id }, by)).toContain('is published');
  expect(await reasonOf('drop', { id: waiting }, by)).toContain('only one that was dead-lettered');
  expect(await reasonOf('retry', { id: refused }, by)).toContain('is refused');
  expect(await reasonOf('retry', { id: 'f'.repeat(32) }, by)).toContain('unknown here');
  expect(await reasonOf('drop', { filter: { state: 'waiting' } }, by)).toContain('dead-lettered');
  expect(await reasonOf('retry', { filter: {} }, by)).toContain('waiting or dead-lettered');
  expect(tools.actions.list()).toEqual([]);
});

test('bounds the actions under way and those that are remembered', async () => {
  const tools = await createTools();
  const [id = ''] = await tools.receiveSome(1, rejected);
  for (let n = 0; n < 20; n++) await tools.actions.request('drop', { id }, by);
  expect(await tools.actions.request('drop', { id }, by)).toMatchObject({ kind: 'not possible' });
  for (const { id: action } of tools.actions.list()) tools.actions.undo(action, by);
  for (let n = 0; n < 20; n++) await tools.actions.request('drop', { id }, by);
  await pass(tools, undoMs.drop);
  expect(tools.actions.list()).toHaveLength(20);
  expect(tools.clock.pendingTimeouts).toBeLessThanOrEqual(1);
});

test('a stop undoes what is pending', async () => {
  const tools = await createTools();
  const [id = ''] = await tools.receiveSome(1, rejected);
  await tools.actions.request('drop', { id }, by);
  tools.actions.stop();
  await pass(tools, undoMs.drop);
  expect(tools.latest()).toMatchObject({ state: 'undone' });
  expect(await tools.store.inbound.get(id)).toBeDefined();
  expect(await tools.actions.request('drop', { id }, by)).toEqual({
    kind: 'not possible',
    reason: 'swob is stopping: request it again after the next start',
  });
});

test('a store that fails ends an action, which says so', async () => {
  const tools = await createTools();
  await tools.receiveSome(2, rejected);
  await tools.actions.request('drop', { filter: { state: 'dead-lettered' } }, by);
  tools.store.inbound.deadLetters = async () => Promise.reject(new Error('the disk is gone'));
  await pass(tools, undoMs.drop);
  expect(tools.latest()).toMatchObject({ state: 'failed', reason: 'the disk is gone' });
});
