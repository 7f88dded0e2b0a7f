// The Settings view in a browser: the checks and the log, on a phone, with hostile text in both.

import { expect, test } from 'vitest';
import { createLogs } from '../../src/app/logging/logs.ts';
import { loadConfig } from '../../src/config/load.ts';
import { phoneSize, sharedBrowser } from '../support/browser.ts';
import { accessibilityFindings, isTooWide, openConsole, untilShown } from '../support/console.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startTestServices } from '../support/services.ts';
import { onEnd } from '../support/teardown.ts';

const browser = sharedBrowser();
const hostile = `<img src=x onerror=alert(1)>\u202egnp.exe${'x'.repeat(10_000)}`;

test('the checks run by keyboard, say what they found, and fit a phone', async () => {
  const services = await startTestServices();
  const page = await openConsole(browser(), services, 'settings?part=checks', { size: phoneSize });
  await page.getByText('Not checked yet').waitFor();
  await page.getByRole('button', { name: 'Run the checks' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText(/\d+ checks: \d+ failed/).waitFor();
  expect(await page.getByText('Not checked yet').count()).toBe(0);
  services.clock.advance(1_000);
  await page.getByRole('list', { name: 'Findings' }).getByText('What to do:').first().waitFor();
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
});

test('hostile text in the log is text, and debug lines can be shown for a time', async () => {
  const clock = createFakeClock();
  const logs = createLogs({
    settings: loadConfig({ files: [], env: {} }).config.logging,
    services: new Set(['gateway']),
    stderr: { write: () => undefined },
    pretty: false,
    colours: false,
    clock,
  });
  onEnd(() => logs.close());
  logs.log.warn({ agent: hostile }, hostile.slice(0, 500));
  const services = await startTestServices({ clock, logTail: logs.tail });
  const page = await openConsole(browser(), services, 'settings?part=log', { size: phoneSize });
  await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
  expect(await page.locator('#app img').count()).toBe(0);
  expect(await isTooWide(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Show debug lines' }).click();
  await untilShown(clock, page.getByText('Lines from level debug on appear'), 1_000);
});
