// The Settings view: configuration, checks and log, one at a time, so that the page has one stream.

import { urlOf, useQueryParam } from '../router.ts';
import { Checks } from '../settings/checks.tsx';
import { Configuration } from '../settings/configuration.tsx';
import { Log } from '../settings/log.tsx';
import { Tabs } from '../tabs.tsx';
import type { PageView } from '../view.ts';

const parts = [
  { name: '', title: 'Configuration', Part: Configuration },
  { name: 'checks', title: 'Checks', Part: Checks },
  { name: 'log', title: 'Log', Part: Log },
];

function Settings() {
  const [name] = useQueryParam('part');
  const current = parts.find((part) => part.name === name) ?? parts[0];
  return (
    <>
      <Tabs
        label="Parts of the settings"
        tabs={parts.map((part) => ({
          title: part.title,
          href: urlOf('settings', { part: part.name }),
          isCurrent: part === current,
        }))}
      />
      {current && <current.Part key={current.name} />}
    </>
  );
}

export const settingsView: PageView = { name: 'settings', title: 'Settings', View: Settings };
