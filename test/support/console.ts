// Signs in to the console of a running gateway: as a page and as a client of its routes. Used by the tests of the console.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { BrowserForTests, PageOptions } from './browser.ts';
import type { FakeClock } from './fake-clock.ts';
import type { Services } from './services.ts';

type Gateway = Pick<Services, 'gateway' | 'folder'>;

/** What a page of the console sends with each request that changes something. */
export const ownPage = { 'sec-fetch-site': 'same-origin', 'x-swob-console': '1' };

export function adminToken({ folder }: Pick<Services, 'folder'>): string {
  return readFileSync(join(folder, 'admin.token'), 'utf8').trim();
}

/** The header that authenticates a script at `/console/api`. */
export const asScript = (services: Pick<Services, 'folder'>) => ({
  authorization: `Bearer ${adminToken(services)}`,
});

/** A JSON request to the console. */
export async function postJson(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = ownPage,
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** @returns the session cookie, as `name=value` */
export async function signIn(services: Gateway): Promise<string> {
  const response = await postJson(`${services.gateway}/console/sign-in`, { token: adminToken(services) });
  expect(response.status).toBe(200);
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** A page that has signed in and shows this view. */
export async function openConsole(
  browser: BrowserForTests,
  services: Gateway,
  path: string,
  options?: PageOptions,
): Promise<Page> {
  const page = await browser.open(`${services.gateway}/console/${path}`, options);
  await page.getByLabel('Admin token').fill(adminToken(services));
  await page.getByRole('button', { name: 'Sign in' }).click();
  // The sign-in page has a heading, too.
  await page.getByLabel('Admin token').waitFor({ state: 'detached' });
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

/** Lets time pass in steps until the page shows it: views are read at intervals, and a reading may begin too early. */
export async function untilShown(clock: FakeClock, locator: Locator, stepMs = 2_000): Promise<void> {
  const isShown = (): Promise<boolean> => {
    clock.advance(stepMs);
    return locator.isVisible();
  };
  await expect.poll(isShown, { interval: 100 }).toBe(true);
}

/** The query of the page's URL, which the page changes itself. */
export const searchOf = (page: Page): string => new URL(page.url()).search;

/** Serious and critical findings of axe-core in what the page shows now. */
export async function accessibilityFindings(page: Page): Promise<string[]> {
  // Through the debugger, which the content security policy does not affect.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

/** Whether the page is wider than its window, which a phone would have to scroll sideways. */
export const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
