// Debian's Chromium for tests of pages: one for a file of tests, one profile for a page. Each page fails its test when the
// page's console has errors, the page throws, or the content security policy was violated.

import { type Browser, chromium, type Page } from 'playwright-core';
import { patient } from './patience.ts';
import { onEnd, sharedByFile } from './teardown.ts';

const executablePath = '/usr/bin/chromium';
const args = [
  '--no-sandbox',
  '--disable-gpu',
  // The shared memory of a container is often 64 MB, in which pages crash.
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The two layouts that pages are tested in. */
export const phoneSize = { width: 360, height: 740 };
export const desktopSize = { width: 1440, height: 900 };

export interface PageOptions {
  /** `desktopSize` unless given. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
  /** Of the browser, such as `fr`. */
  readonly locale?: string;
  /** Errors in the console that the test causes on purpose, such as a server that is away. */
  readonly expectedErrors?: RegExp;
}

export interface BrowserForTests {
  /** Closes when the test ends. Its waits are bounded. */
  open(url: string, options?: PageOptions): Promise<Page>;
}

/** To be called at the top of a file; the function that it returns is for the tests. */
export function sharedBrowser(): () => BrowserForTests {
  return sharedByFile(startBrowser, [{ command: executablePath }]);
}

async function startBrowser(): Promise<BrowserForTests> {
  const browser = await chromium.launch({ executablePath, args, timeout: patient(60_000) });
  onEnd(() => browser.close());
  return { open: (url, options = {}) => openPage(browser, url, options) };
}

async function openPage(browser: Browser, url: string, options: PageOptions): Promise<Page> {
  const context = await browser.newContext({
    viewport: options.size ?? desktopSize,
    colorScheme: options.colorScheme ?? 'light',
    reducedMotion: 'reduce',
    ...(options.locale !== undefined && { locale: options.locale }),
  });
  context.setDefaultTimeout(patient(60_000));
  const page = await context.newPage();
  const problems: string[] = [];
  // Chromium reports violations of the content security policy as errors, too.
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('dialog', (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  onEnd(async () => {
    await context.close();
    const unexpected = problems.filter((problem) => !options.expectedErrors?.test(problem));
    if (unexpected.length > 0) throw new Error(`the page has errors:\n${unexpected.join('\n')}`);
  });
  await page.goto(url);
  return page;
}
