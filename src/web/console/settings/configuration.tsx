// The effective configuration with the origin of each value: the first part of the Settings view.

import type { SettingsData, ShownSetting } from '../../../console/views/settings.ts';
import { Card, Empty, Skeleton, Table, TextField } from '../../shared/components.tsx';
import { useLive } from '../live.ts';
import { PageHead } from '../page-head.tsx';
import { useQueryParam } from '../router.ts';

export function Configuration() {
  const live = useLive<SettingsData>('settings');
  const [filter, setFilter] = useQueryParam('filter');
  const [changed, setChanged] = useQueryParam('changed');
  const isOnlyChanged = changed === '1';
  const { data } = live;
  return (
    <>
      <PageHead title="Settings" live={live}>
        {data && <span class="muted">swob {data.version}</span>}
      </PageHead>
      <Card title="Configuration">
        <div class="stack">
          <TextField
            label="Filter"
            type="search"
            placeholder="api.port, limits, default…"
            value={filter}
            onInput={setFilter}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={isOnlyChanged}
              onChange={(event) => setChanged(event.currentTarget.checked ? '1' : '')}
            />
            Only what differs from the defaults
          </label>
          {data ? (
            <Keys
              settings={data.settings.filter(({ origin }) => !isOnlyChanged || origin !== 'default')}
              filter={filter}
            />
          ) : (
            <Skeleton lines={12} />
          )}
        </div>
      </Card>
    </>
  );
}

function Keys(props: { readonly settings: readonly ShownSetting[]; readonly filter: string }) {
  const words = props.filter.toLowerCase().split(/\s+/);
  const rows = props.settings.filter(({ section, key, value, origin }) => {
    const text = `${section}.${key} ${value} ${origin}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  if (rows.length === 0) return <Empty title="No key matches">Clear the filter to see all keys.</Empty>;
  return (
    <Table
      caption="Configuration keys"
      rows={rows}
      keyOf={({ section, key }) => `${section}.${key}`}
      columns={[
        { title: 'Key', cell: ({ section, key }) => <code>{`${section}.${key}`}</code> },
        {
          title: 'Value',
          cell: ({ value }) => (value === '' ? <span class="muted">empty</span> : <code>{value}</code>),
        },
        { title: 'Origin', cell: ({ origin }) => origin },
      ]}
    />
  );
}
