// The shell of the console: sign-in, navigation, the view of the URL.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Empty, Note, Skeleton } from '../shared/components.tsx';
import { chooseTheme, currentTheme, type Theme } from '../shared/theme.ts';
import { isSignedIn, signOut } from './api.ts';
import { Link } from './link.tsx';
import { liveEvents } from './live.ts';
import { urlOf, useLocation } from './router.ts';
import { SignIn } from './sign-in.tsx';
import { views } from './views.ts';

type SessionState = 'unknown' | 'signed-in' | 'signed-out' | 'unreachable';

export function App() {
  const [session, setSession] = useState<SessionState>('unknown');
  useEffect(() => {
    const check = (): void => {
      isSignedIn().then(
        (signedIn) => setSession(signedIn ? 'signed-in' : 'signed-out'),
        // The view keeps its data and says that the server is away.
        () => setSession((before) => (before === 'signed-in' ? before : 'unreachable')),
      );
    };
    check();
    liveEvents.addEventListener('lost', check);
    return () => liveEvents.removeEventListener('lost', check);
  }, []);
  if (session === 'signed-out') return <SignIn onSignedIn={() => setSession('signed-in')} />;
  if (session === 'unreachable')
    return (
      <main class="shell-main stack">
        <h1>swob console</h1>
        <Note tone="bad">The server does not respond. Check that swob runs, then load this page again.</Note>
      </main>
    );
  return <Shell isReady={session === 'signed-in'} onSignedOut={() => setSession('signed-out')} />;
}

function Shell(props: { readonly isReady: boolean; readonly onSignedOut: () => void }) {
  const { view: name } = useLocation();
  const main = useRef<HTMLElement>(null);
  const current = name === '' ? views[0] : views.find((view) => view.name === name);
  const title = current?.title ?? 'Not found';
  const shown = useRef(title);
  useEffect(() => {
    // On a phone the navigation is wider than the screen.
    document
      .querySelector('.shell-nav [aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'center' });
    document.title = `${title} · swob`;
    // A screen reader continues at the new view; the first one keeps the page's order of focus.
    if (shown.current !== title) main.current?.focus();
    shown.current = title;
  }, [title]);
  const [leaveFault, setLeaveFault] = useState<string>();
  const leave = async (): Promise<void> => {
    try {
      setLeaveFault(undefined);
      await signOut();
    } catch (error) {
      // The cookie is gone also when the server could not keep that it was refused from now on.
      if (await isSignedIn().catch(() => true))
        return setLeaveFault(error instanceof Error ? error.message : String(error));
    }
    props.onSignedOut();
  };
  return (
    <div class="shell">
      <a class="skip-link" href="#main">
        Skip to the content
      </a>
      <header class="shell-header">
        <Link href={urlOf('')} class="brand">
          swob
        </Link>
        <ThemeSwitch />
        <button type="button" class="button plain" onClick={leave}>
          Sign out
        </button>
      </header>
      <nav class="shell-nav" aria-label="Views">
        <ul>
          {views.map((view) => (
            <li key={view.name}>
              <Link href={urlOf(view.name)} isCurrent={view === current}>
                {view.title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" class="shell-main stack" tabIndex={-1} ref={main}>
        {leaveFault !== undefined && <Note tone="bad">You are still signed in: {leaveFault}.</Note>}
        {!props.isReady ? (
          <Skeleton lines={6} />
        ) : current ? (
          <current.View key={current.name} />
        ) : (
          <Empty title="There is no such view">Choose one of the navigation.</Empty>
        )}
      </main>
    </div>
  );
}

const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };

function ThemeSwitch() {
  const [theme, setTheme] = useState(currentTheme);
  const choose = (): void => {
    setTheme(nextTheme[theme]);
    chooseTheme(nextTheme[theme]);
  };
  return (
    <button type="button" class="button plain" onClick={choose}>
      Theme: {theme}
    </button>
  );
}
