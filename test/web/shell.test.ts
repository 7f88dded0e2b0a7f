// The console's page in a browser: sign-in, navigation, layouts, keyboard, accessibility, and a server that is restarted.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createInstallation } from '../process/installation.ts';
import { startSwob } from '../support/binary.ts';
import { desktopSize, phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, adminToken, isTooWide, openConsole, searchOf } from '../support/console.ts';
import { get } from '../support/phone.ts';
import { readMetrics } from '../support/prometheus.ts';
import { startTestServices } from '../support/services.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const browser = sharedBrowser();
const portOf = (url: string): number => Number(new URL(url).port);

test.each([
  { name: 'a phone', size: phoneSize, colorScheme: 'dark' as const },
  { name: 'a desktop', size: desktopSize, colorScheme: 'light' as const },
])('on $name, the sign-in page and the settings fit and are accessible', async ({ size, colorScheme }) => {
  const services = await startTestServices();
  const page = await browser().open(`${services.gateway}/console/settings`, { size, colorScheme });
  await page.getByLabel('Admin token').fill(adminToken(services));
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('api.port', { exact: true }).waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
});

test('a wrong token is refused, and by keyboard alone one can sign in, filter and sign out', async () => {
  const services = await startTestServices();
  const page = await browser().open(`${services.gateway}/console/settings`, { expectedErrors: /401/ });
  const token = page.getByLabel('Admin token');
  await token.focus();
  await page.keyboard.type('not the token');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('not the admin token').waitFor();
  await token.fill('');
  await token.focus();
  await page.keyboard.type(adminToken(services));
  await page.keyboard.press('Enter');
  await page.getByText('api.port', { exact: true }).waitFor();

  await page.getByLabel('Filter').focus();
  await page.keyboard.type('websocket.port');
  await page.getByText('api.port', { exact: true }).waitFor({ state: 'detached' });
  await expect.poll(() => searchOf(page)).toBe('?filter=websocket.port');
  await page.reload();
  expect(await page.getByLabel('Filter').inputValue()).toBe('websocket.port');
  await page.getByLabel('Only what differs from the defaults').press('Space');
  await expect.poll(() => searchOf(page)).toBe('?filter=websocket.port&changed=1');
  await page.getByText('websocket.port', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'Sign out' }).focus();
  await page.keyboard.press('Enter');
  await token.waitFor();
});

test('a page that stays open while the server is restarted says so, and is live again', async () => {
  const services = await startTestServices();
  const port = new URL(services.gateway).port;
  const page = await openConsole(browser(), services, 'settings', {
    // How Chromium names a request that fails depends on when the server goes.
    expectedErrors: /net::ERR_/,
  });
  await page.getByText('● live').waitFor();
  await services.stop();
  await page.getByText('server away').waitFor();
  expect(await page.getByText('api.port', { exact: true }).count()).toBe(1);
  await startTestServices({ folder: services.folder, set: [`api.port=${port}`] });
  await page.getByText('● live').waitFor();
});

test('a page whose node is killed keeps what it has, and is live again on the node that takes over', async () => {
  const { folder, data } = await createInstallation();
  const start = (expiry: string) =>
    startSwob(['serve', 'gateway', '--set', `seeds.expiry=${expiry}`, '--set', 'api.request_timeout=5m'], {
      cwd: folder,
    });
  const first = await start('31s');
  const balancer = await startProxy(portOf(first.ready.gateway.url));
  const page = await openConsole(
    browser(),
    { gateway: `http://127.0.0.1:${balancer.port}`, folder: join(data, 'security') },
    'settings?filter=seeds.expiry',
    { expectedErrors: /net::ERR_/ },
  );
  const value = (text: string) => page.getByText(text, { exact: true });
  await value('31s').waitFor();
  first.kill('SIGKILL');
  await page.getByText(/server away, last seen/).waitFor();
  expect(await value('31s').count()).toBe(1);
  const second = await start('32s');
  balancer.retarget(portOf(second.ready.gateway.url));
  await value('32s').waitFor();
  await page.getByText('● live').waitFor();
});

test('a hidden page has no stream, and gets one when it is shown', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'settings');
  await page.getByText('● live').waitFor();
  const streams = async (): Promise<number | undefined> => {
    const { text } = await get(`${services.gateway}/metrics`);
    return readMetrics(text).find(({ name }) => name === 'swob_console_streams')?.value;
  };
  const setVisibility = (state: 'hidden' | 'visible') =>
    page.evaluate(`
      Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
  await expect.poll(streams).toBe(1);
  await setVisibility('hidden');
  await expect.poll(streams).toBe(0);
  const opened = await page.evaluate(`
    let opened = 0;
    const Original = EventSource;
    window.EventSource = class extends Original {
      constructor(url) {
        super(url);
        opened++;
      }
    };
    window.dispatchEvent(new Event('online'));
    window.EventSource = Original;
    opened;
  `);
  expect(opened).toBe(0);
  await setVisibility('visible');
  await expect.poll(streams).toBe(1);
});

test('a connection that the network drops without a word is noticed by its silence, and replaced', async () => {
  const services = await startTestServices();
  const proxy = await startProxy(portOf(services.gateway));
  const gateway = `http://127.0.0.1:${proxy.port}`;
  const page = await openConsole(browser(), { ...services, gateway }, 'settings', {
    expectedErrors: /net::ERR_/,
  });
  await page.getByText('● live').waitFor();
  await page.clock.install();
  await page.getByRole('link', { name: 'Seeds' }).click();
  await page.getByText('No seed has pinged yet').waitFor();
  await page.getByText('● live').waitFor();
  proxy.disconnect();
  await page.clock.fastForward(39_000);
  await page.getByText('● live').waitFor();
  await page.clock.fastForward(5_000);
  await page.getByText('server away').waitFor();
  await proxy.reconnect();
  await page.getByText('● live').waitFor();
});

test('a server that is away was last seen when it went, however old the data is', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'settings', { expectedErrors: /net::ERR_/ });
  await page.getByText('● live').waitFor();
  await page.clock.setFixedTime(Date.now() + 7_200_000);
  await services.stop();
  await page.getByText('server away, last seen now').waitFor();
});

test('a sign-out that the server does not get leaves the operator signed in, and says so', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'settings', { expectedErrors: /net::ERR_/ });
  await page.getByText('● live').waitFor();
  await services.stop();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('alert').getByText('You are still signed in: the server does not respond').waitFor();
  expect(await page.getByLabel('Admin token').count()).toBe(0);
});

test('a server that refuses the query of a URL says why, and the page is live with another one', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'messages?state=lost', { expectedErrors: /400/ });
  await page.getByText('refused, trying again').waitFor();
  await page.getByRole('alert').getByText('state').waitFor();
  await page.getByLabel('State').selectOption('waiting');
  await page.getByText('● live').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
});
