// The table of the console's views on the server. A view is a file of views/ and an entry here; src/web/console/views.ts has its
// page. Used by app/compose.

import type { ConsoleView } from './view.ts';
import { createSettingsView, type SettingsDeps } from './views/settings.ts';

/** What the views need; app/compose/console.ts provides it. */
export interface ViewDeps extends SettingsDeps {}

export function createViews(deps: ViewDeps): ConsoleView[] {
  return [createSettingsView(deps)];
}
