// Entry point of the pairing page: connects the session of session.ts with the browser, and shows it.

import { render } from 'preact';
import type { OpenedSession } from '../../console/opened-session.ts';
import '../shared/tokens.css';
import '../shared/base.css';
import './pairing.css';
import { startTheme } from '../shared/theme.ts';
import { Page } from './page.tsx';
import { followSession, type OpenRefusal } from './session.ts';
import { chooseLanguage, texts } from './texts.ts';

startTheme();
const language = chooseLanguage(navigator.languages);
document.documentElement.lang = language;
document.title = texts[language].title;

/** The path is `/pair/<user>`, already encoded. */
const sessionsPath = `${location.pathname.replace(/\/$/, '')}/sessions`;

async function openSession(): Promise<OpenedSession | OpenRefusal> {
  const response = await fetch(sessionsPath, { method: 'POST', signal: AbortSignal.timeout(30_000) });
  if (!response.ok) {
    const { status, headers } = response;
    return { status, retryAfter: Number(headers.get('retry-after')) || 0 };
  }
  // The route of the page determines the type.
  return (await response.json()) as OpenedSession;
}

function start(): void {
  const root = document.getElementById('app');
  if (!root) return;
  const again = followSession(
    {
      open: openSession,
      connect: (url) => new WebSocket(url),
      now: () => performance.now(),
      after: (ms, run) => {
        const timer = window.setTimeout(run, ms);
        return () => window.clearTimeout(timer);
      },
    },
    (state) => render(<Page state={state} texts={texts[language]} onAgain={() => again()} />, root),
  );
}

// A page that is rendered before it is visited must not open a session.
if ('prerendering' in document && document.prerendering)
  document.addEventListener('prerenderingchange', start, { once: true });
else start();
