// The table of the console's views on the server. A view is a file of views/ and an entry here; src/web/console/views.ts has its
// page. Used by app/compose.

import type { ConsoleView } from './view.ts';
import { type ChecksDeps, createChecksView } from './views/checks.ts';
import { createDisconnectsView, type DisconnectsDeps } from './views/disconnects.ts';
import { createLogView, type LogDeps } from './views/log.ts';
import { createMessagesView, type MessagesDeps } from './views/messages.ts';
import { createOutgoingView, type OutgoingDeps } from './views/outgoing.ts';
import { createOverviewView, type OverviewDeps } from './views/overview.ts';
import { createPairingsView, type PairingsDeps } from './views/pairings.ts';
import { createSeedsView, type SeedsDeps } from './views/seeds.ts';
import { createSettingsView, type SettingsDeps } from './views/settings.ts';

/** What the views need; app/compose/console.ts provides it. */
export interface ViewDeps
  extends DisconnectsDeps,
    MessagesDeps,
    OutgoingDeps,
    OverviewDeps,
    PairingsDeps,
    SeedsDeps,
    SettingsDeps,
    ChecksDeps,
    LogDeps {}

export function createViews(deps: ViewDeps): ConsoleView[] {
  return [
    createOverviewView(deps),
    createSeedsView(deps),
    createMessagesView(deps),
    createPairingsView(deps),
    createOutgoingView(deps),
    createDisconnectsView(deps),
    createSettingsView(deps),
    createChecksView(deps),
    createLogView(deps),
  ];
}
