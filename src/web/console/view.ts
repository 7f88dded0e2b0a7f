// What a view of the console is in the browser. Each file of views/ exports one.

import type { ComponentType } from 'preact';

export interface PageView {
  /** In the URL: `/console/<name>`. */
  readonly name: string;
  /** In the navigation and the title of the window. */
  readonly title: string;
  /** Renders its own `h1`, by `PageHead`. */
  readonly View: ComponentType;
}
