// Debian's Chromium for tests of pages: one for a worker, one profile for a page. Each page fails its test when the
// page's console has errors, the page throws, or the content security policy was violated.

import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Browser, chromium, type Page } from 'playwright-core';
import { patient } from './patience.ts';
import { runFolderOf } from './run-folder.ts';
import { onEnd, sharedByFile } from './teardown.ts';
import { exitOnSignal } from './worker-end.ts';

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

/** The two layouts that pages are tested in. The phone is one of the smallest; 320 is also the width of a large page at 400 % (WCAG 1.4.10). */
export const phoneSize = { width: 320, height: 568 };
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
  const browser = await browserOfWorker();
  return { open: (url, options = {}) => openPage(browser, url, options) };
}

let running: Promise<Browser> | undefined;

/** A worker keeps it for its next files, because a start takes two seconds of CPU time. It ends when the worker exits. */
function browserOfWorker(): Promise<Browser> {
  if (running) return running;
  const forget = (): void => {
    running = undefined;
  };
  exitOnSignal();
  running = launchBrowser();
  running.then((browser) => browser.once('disconnected', forget), forget);
  return running;
}

/** Its profile is in the folder of the run, because vitest may kill a worker before the exit has removed the profile. */
async function launchBrowser(): Promise<Browser> {
  const { TMPDIR = tmpdir() } = process.env;
  const folder = runFolderOf(process.ppid);
  mkdirSync(folder, { recursive: true });
  process.env.TMPDIR = folder;
  try {
    // The signal is handled by this process, whose exit kills the browser.
    return await chromium.launch({ executablePath, args, timeout: patient(60_000), handleSIGTERM: false });
  } finally {
    process.env.TMPDIR = TMPDIR;
  }
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
