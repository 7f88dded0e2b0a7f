// The table of the console's views in the browser, in the order of the navigation; the first is the start page.
// src/console/views.ts has their data.

import type { PageView } from './view.ts';
import { settingsView } from './views/settings.tsx';

export const views: readonly PageView[] = [settingsView];
