// `npm run screenshots`: writes docs/images from a playground with sample data, in Debian's Chromium. Run it when a view has
// changed how it looks.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';

const folder = 'docs/images';
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 780 };
/** Its session is one that the PCRF refuses to end. */
const refusedDevice = '02-1B-77-49-54-FD';

interface Shot {
  readonly file: string;
  readonly path: string;
  readonly size: typeof desktop;
  readonly colorScheme: 'light' | 'dark';
  /** Brings the page into the state to show. */
  readonly prepare?: (page: Page) => Promise<void>;
}

const shots: readonly Shot[] = [
  {
    file: 'pairing-phone',
    path: 'pair/alice',
    size: phone,
    colorScheme: 'light',
    prepare: (page) => page.getByRole('img').first().waitFor(),
  },
  { file: 'console-overview', path: 'console/overview?range=10m', size: desktop, colorScheme: 'light' },
  { file: 'console-seeds', path: 'console/seeds', size: desktop, colorScheme: 'light' },
  { file: 'console-messages', path: 'console/messages', size: desktop, colorScheme: 'dark' },
  { file: 'console-seeds-phone', path: 'console/seeds', size: phone, colorScheme: 'light' },
  {
    file: 'console-disconnects',
    path: 'console/disconnects',
    size: { width: 1280, height: 1_000 },
    colorScheme: 'light',
    prepare: async (page) => {
      await page.getByRole('link', { name: refusedDevice }).first().click();
      await page.getByRole('list', { name: 'History' }).waitFor();
    },
  },
  {
    file: 'console-outgoing',
    path: 'console/outgoing',
    size: { width: 1280, height: 1_000 },
    colorScheme: 'light',
    prepare: async (page) => {
      await page.getByRole('table', { name: 'Requests for outgoing SMS' }).waitFor();
    },
  },
  {
    file: 'console-checks',
    path: 'console/settings?part=checks',
    size: desktop,
    colorScheme: 'light',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Run the checks' }).click();
      await page.getByText(/checks passed|checks: /).waitFor({ timeout: 60_000 });
    },
  },
];

async function main(): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'swob-screenshots-'));
  const ready = join(temporary, 'ready.json');
  const playground = spawn(
    join('bin', 'swob'),
    ['playground', '--seed-data', '--disconnect', 'both', '--ready-file', ready],
    {
      stdio: 'ignore',
    },
  );
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    for (let waited = 0; !existsSync(ready); waited++) {
      if (waited > 600) throw new Error('the playground has not started');
      await delay(100);
    }
    const { url, token } = addSampleTraffic(ready);
    // The plots have a point a minute, and a line needs two.
    await delay(65_000);
    mkdirSync(folder, { recursive: true });
    for (const shot of shots) await take(browser, url, token, shot);
  } finally {
    await browser.close();
    playground.kill();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Messages that are published, one that is refused, and Wi-Fi users who are logged out, but for one. */
function addSampleTraffic(ready: string): { readonly url: string; readonly token: string } {
  const script = `
    eval "$(bin/swob playground env --ready-file ${ready})"
    for text in 'Hello:I am well' 'Harvest:The maize is in' 'Travel:We arrive on Friday'; do
      bin/swob sms send "$PLAYGROUND_USER" "g:bob@example.org:::$text" --msisdn "$PLAYGROUND_MSISDN" --key "$PLAYGROUND_SHARED_KEY"
    done
    curl -s "$PLAYGROUND_GATEWAY_URL/sms/platform/gateway-client" -H 'content-type: application/json' \\
      -d '{"MSISDN": "+237690000009", "text": "Your credit is 250 XAF"}'
    log_out() {
      bin/swob jwt mint --key "$PLAYGROUND_JWT_KEY" --sub "$1" --session "$2" --nas-ip "\${PLAYGROUND_NAS_RADIUS%:*}" --vrf 1 \\
        --mac "$3" | bin/swob disconnect --token - || true
    }
    echo "$PLAYGROUND_JWT" | bin/swob disconnect --token -
    log_out alice 5692549928996307965 FC-45-96-5F-50-AD
    curl -s "$PLAYGROUND_PCRF_URL/__behaviour" -d '{"mode": "refuse", "count": 1}'
    log_out bob 5692549928996307966 ${refusedDevice}
    bin/swob disconnect --token not.a.token || true
    echo
    echo "URL $PLAYGROUND_GATEWAY_URL"
    echo "TOKEN $PLAYGROUND_ADMIN_TOKEN"`;
  const output = execFileSync('sh', ['-c', script], { encoding: 'utf8' });
  const valueIn = (name: string): string => new RegExp(`^${name} (.*)$`, 'm').exec(output)?.[1] ?? '';
  return { url: valueIn('URL'), token: valueIn('TOKEN') };
}

async function take(browser: Browser, url: string, token: string, shot: Shot): Promise<void> {
  const { size, colorScheme } = shot;
  const context = await browser.newContext({ viewport: size, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(`${url}/${shot.path}`);
  if (shot.path.startsWith('console/')) {
    await page.getByLabel('Admin token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('● live').waitFor();
  }
  // No row under the mouse.
  await page.mouse.move(0, 0);
  await shot.prepare?.(page);
  await delay(1_000);
  const path = resolve(folder, `${shot.file}.png`);
  await page.screenshot({ path });
  process.stdout.write(`${path} ${Math.round(readFileSync(path).length / 1_024)} KB\n`);
  await context.close();
}

await main();
