// Who may subscribe a developer to outgoing SMS.

import { describe, expect, test } from 'vitest';
import { NotConfiguredError } from '../../../src/errors.ts';
import { context, createFixture, setup, subscription } from './outgoing-fixture.ts';

describe('subscribing', () => {
  test('needs both pairs of credentials', async () => {
    const { outgoing, tenants } = createFixture();
    await outgoing.subscribe(subscription, context);
    await outgoing.unsubscribe(subscription, context);
    expect(tenants.subscribe.mock.calls).toEqual([['dev1', 'key']]);
    expect(tenants.unsubscribe.mock.calls).toEqual([['dev1']]);
  });

  test.each([
    ['id', { ...subscription, setup: { ...setup, id: 'other' } }],
    ['key', { ...subscription, setup: { ...setup, key: 'other' } }],
    ['auth_id', { ...subscription, authId: 'dev2' }],
    ['auth_key', { ...subscription, authKey: 'other' }],
  ])('Q7: with a wrong %s is UNAUTHENTICATED', async (_what, wrong) => {
    const { outgoing, tenants } = createFixture();
    for (const call of [outgoing.subscribe, outgoing.unsubscribe]) {
      await expect(call(wrong, context)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(tenants.subscribe).not.toHaveBeenCalled();
    expect(tenants.unsubscribe).not.toHaveBeenCalled();
  });

  test('is refused where no set-up credentials are configured, also with empty ones', async () => {
    const empty = { id: '', key: '' };
    const { outgoing } = createFixture({ setup: empty });
    const promise = outgoing.subscribe({ ...subscription, setup: empty }, context);
    await expect(promise).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('needs the management API', async () => {
    const { outgoing } = createFixture({ tenants: false });
    // As many as an address may request.
    for (let n = 0; n < 50; n++)
      await expect(outgoing.subscribe(subscription, context)).rejects.toBeInstanceOf(NotConfiguredError);
    await expect(outgoing.subscribe(subscription, context)).rejects.toMatchObject({ code: 'LIMITED' });
  });
});
