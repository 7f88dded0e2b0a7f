// The table of the console's views in the browser, in the order of the navigation; the first is the start page.
// src/console/views.ts has their data.

import type { PageView } from './view.ts';
import { disconnectsView } from './views/disconnects.tsx';
import { messagesView } from './views/messages.tsx';
import { outgoingView } from './views/outgoing.tsx';
import { overviewView } from './views/overview.tsx';
import { pairingsView } from './views/pairings.tsx';
import { seedsView } from './views/seeds.tsx';
import { settingsView } from './views/settings.tsx';

export const views: readonly PageView[] = [
  overviewView,
  seedsView,
  messagesView,
  pairingsView,
  outgoingView,
  disconnectsView,
  settingsView,
];
