// Light or dark: what the system prefers, unless the person has chosen. Used by the pages.

export type Theme = 'system' | 'light' | 'dark';

const storageKey = 'swob-theme';
const prefersDark = window.matchMedia('(prefers-color-scheme: dark)');
let chosen = readStored();

export function currentTheme(): Theme {
  return chosen;
}

/** Keeps the choice for the next visit. */
export function chooseTheme(theme: Theme): void {
  chosen = theme;
  try {
    if (theme === 'system') localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, theme);
  } catch {
    // Storage is disabled: the choice lasts until the page is closed.
  }
  show();
}

/** Applies the theme now, and follows the system where nothing is chosen. */
export function startTheme(): void {
  prefersDark.addEventListener('change', show);
  show();
}

/** `tokens.css` has the colours of each. */
function show(): void {
  const preferred = prefersDark.matches ? 'dark' : 'light';
  document.documentElement.dataset.theme = chosen === 'system' ? preferred : chosen;
}

function readStored(): Theme {
  try {
    const stored = localStorage.getItem(storageKey);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}
