// The Pairings and Disconnects views of the console in a browser: search, revocation after a confirmation, what happened to a
// device, a token judged and used.

import { expect, test } from 'vitest';
import { phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide, openConsole, searchOf, untilShown } from '../support/console.ts';
import { startWifiServices } from '../support/console-disconnects.ts';
import { goodToken, requestDisconnect, tokenWith } from '../support/disconnect.ts';
import { createPhone, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

const browser = sharedBrowser();
const hostile = '<img src=x onerror="document.title=1">';

test('an operator finds a pairing on a phone and revokes it', async () => {
  const services = await startTestServices();
  const { gateway } = services;
  for (const [user, password] of [
    ['alice', 'correct horse'],
    ['bob', 'battery staple'],
  ] as const)
    await pair(handshakeUrlOf(gateway, await openSession(gateway, user)), createPhone(), password);
  const page = await openConsole(browser(), services, 'pairings', { size: phoneSize });
  await page.getByRole('rowheader', { name: 'bob' }).waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByLabel('User id begins with').fill('ali<b>');
  await page.getByRole('rowheader', { name: 'bob' }).waitFor({ state: 'detached' });
  await expect.poll(() => searchOf(page)).toBe('?prefix=alib');
  await page.getByLabel('User id begins with').fill('ali');
  await page.getByRole('button', { name: 'Revoke the pairing of alice' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('no SMS is decrypted').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Revoke the pairing of alice' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Revoked: nothing is decrypted under the keys of alice any more.').waitFor();
  await page.getByRole('button', { name: 'Revoke the pairing of alice' }).waitFor({ state: 'detached' });
  expect(
    services.log.lines.filter(({ message }) => message === 'revoked the pairing of a user'),
  ).toHaveLength(1);
});

test('from the overview, one field says on a phone what happened to a device and what to do', async () => {
  const services = await startWifiServices();
  const portal = (token: string) => requestDisconnect({ url: services.disconnect }, token);
  services.pcrf.setMode('refuse', { count: 1 });
  await portal(tokenWith({ clientMac: '02-00-00-00-00-01', sub: hostile, vrf: hostile, sessionId: hostile }));
  await portal(goodToken);
  const page = await openConsole(browser(), services, 'overview', { size: phoneSize });
  await page.getByLabel('Find a device or a message').fill('0200.0000.0001');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: '02-00-00-00-00-01' }).first().click();
  const history = page.getByRole('list', { name: 'History' });
  await history.getByText('the PCRF did not end the session: rejected').waitFor();
  await page.getByText('look for the session in the log of the PCRF').waitFor();
  await history.getByText(`vrf ${hostile}`).waitFor();
  expect(await page.locator('main img').count()).toBe(0);
  expect(new URL(page.url()).searchParams.get('text')).toBe('0200.0000.0001');
  expect(await page.getByRole('table', { name: 'Requests to log' }).getByRole('rowheader').count()).toBe(1);
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
});

test('by keyboard alone, a token is judged and its user logged out, and the list shows it live', async () => {
  const services = await startWifiServices();
  const page = await openConsole(browser(), services, 'disconnects');
  await page.getByText('No request yet').waitFor();
  await page.getByLabel('MAC, user, session or NAS').fill('02-00-00-00-00-09');
  await page.getByText('To log a device out, let its portal sign a token').waitFor();
  await page.getByLabel('MAC, user, session or NAS').fill('');
  const field = page.getByLabel('Token of the portal');
  const judge = async (token: string): Promise<void> => {
    await field.fill(token);
    await field.press('Tab');
    await page.keyboard.press('Enter');
  };
  await judge(tokenWith({ exp: 1, sub: hostile }));
  await page.getByText('The token would be refused').waitFor();
  await page.getByText('expired at').waitFor();
  expect(await page.getByRole('button', { name: 'Log this user out' }).count()).toBe(0);
  await judge(goodToken);
  await page.getByText('pcrf: GET http://').waitFor();
  expect(services.pcrf.requests()).toHaveLength(0);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('FC-45-96-5F-50-AC').first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Logged out.').waitFor();
  expect(services.pcrf.requests()).toHaveLength(1);
  expect(await field.inputValue()).toBe('');
  await untilShown(services.clock, page.getByRole('link', { name: 'FC-45-96-5F-50-AC' }));
  expect(await accessibilityFindings(page)).toEqual([]);
  expect(page.url()).not.toContain('token');
  await page.getByRole('link', { name: 'Its record' }).click();
  await page.getByRole('link', { name: 'FC-45-96-5F-50-AC' }).click();
  await page.getByText('requested in the console').waitFor();
});
