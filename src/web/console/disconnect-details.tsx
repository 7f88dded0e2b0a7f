// One request to log a Wi-Fi user out as a timeline, with what to do. Used by the view of disconnects.

import type { DisconnectDetails, DisconnectsData } from '../../console/views/disconnects.ts';
import { Badge, Empty, Remedy, type Tone } from '../shared/components.tsx';
import { formatTime } from '../shared/time.tsx';
import { EntryCard } from './list.tsx';
import { Timeline } from './timeline.tsx';

/** In the order in which they can be chosen. */
export const outcomeTones: Readonly<Record<DisconnectDetails['outcome'], Tone>> = {
  disconnected: 'good',
  rejected: 'bad',
  timeout: 'bad',
  unreachable: 'bad',
  'invalid response': 'bad',
  'bad session': 'bad',
  busy: 'bad',
  overloaded: 'bad',
  stopping: 'bad',
  failed: 'bad',
  refused: 'warn',
  limited: 'warn',
  malformed: 'warn',
};

export function DisconnectCard(props: {
  readonly id: string;
  readonly data: DisconnectsData | undefined;
  readonly closeUrl: string;
}) {
  const { id, data, closeUrl } = props;
  const selected = data?.selected;
  return (
    <EntryCard
      title={selected?.mac ?? 'Request'}
      id={id}
      closeUrl={closeUrl}
      entry={selected && selected.id !== id ? undefined : selected}
      unknown={
        <Empty title="No such request">
          <span>
            <code>{id}</code> is not in the audit trail, or has expired.
          </span>
        </Empty>
      }
    >
      {(record) => <RequestDetails record={record} />}
    </EntryCard>
  );
}

function RequestDetails({ record }: { readonly record: DisconnectDetails }) {
  const { outcome, at, steps, remedy, user } = record;
  return (
    <div class="stack">
      <div class="row">
        <Badge tone={outcomeTones[outcome]}>{outcome}</Badge>
        {user !== undefined && <strong>{user}</strong>}
        <span class="muted">{formatTime(at)}</span>
      </div>
      {remedy !== undefined && <Remedy text={remedy} />}
      <Timeline steps={steps} />
    </div>
  );
}
