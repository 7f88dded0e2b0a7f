// Requested retries and drops with their progress, each of which can be undone for a while. Used by the view of messages.

import type { MessagesData } from '../../console/views/messages.ts';
import { Badge, Card, type Tone } from '../shared/components.tsx';
import { Ago, useNow } from '../shared/time.tsx';

type Action = MessagesData['actions'][number];

const maxShown = 5;

export function MessageActions(props: {
  readonly actions: readonly Action[];
  /** How much the clock of the browser is ahead of the server's, in milliseconds. */
  readonly aheadMs: number;
  readonly onUndo: (id: string) => void;
}) {
  const now = useNow(1_000) - props.aheadMs;
  const shown = props.actions.slice(0, maxShown);
  if (shown.length === 0) return null;
  return (
    <Card title="Actions">
      <ul class="actions">
        {shown.map((action) => (
          <li key={action.id} class="row spread">
            <span>
              <Badge tone={tones[action.state]}>{action.state}</Badge> {textOf(action)}{' '}
              {!isOpen(action.state) && (
                <span class="muted small">
                  <Ago at={action.runsAt} />
                </span>
              )}
            </span>
            {action.state === 'pending' && (
              <button type="button" class="button" onClick={() => props.onUndo(action.id)}>
                Undo ({secondsLeft(action, now)} s)
              </button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

const tones: Readonly<Record<Action['state'], Tone>> = {
  pending: 'warn',
  running: 'neutral',
  done: 'good',
  undone: 'neutral',
  failed: 'bad',
};

function isOpen(state: Action['state']): boolean {
  return state === 'pending' || state === 'running';
}

function secondsLeft({ requestedAt, runsAt }: Action, now: number): number {
  return Math.ceil(Math.max(0, Math.min(runsAt - requestedAt, runsAt - now)) / 1_000);
}

function textOf({ kind, target, state, total, done, skipped, reason }: Action): string {
  const what = 'id' in target ? `message ${target.id.slice(0, 12)}` : `all ${describe(target.filter)}`;
  const name = kind === 'retry' ? 'Retry' : 'Drop';
  if (state === 'pending' || state === 'undone') return `${name} ${what}`;
  const verb = kind === 'retry' ? 'retried' : 'dropped';
  const of = total === undefined || total === done ? '' : ` of ${total}`;
  const others = skipped > 0 ? `, ${skipped} had changed meanwhile` : '';
  return `${name} ${what}: ${done}${of} ${verb}${others}${reason === undefined ? '' : `; ${reason}`}`;
}

function describe(filter: Extract<Action['target'], { filter: object }>['filter']): string {
  const { state = '', text, from, to } = filter;
  const parts = [
    `${state} messages`,
    text === undefined ? '' : `that match “${text}”`,
    from === undefined && to === undefined ? '' : 'of the chosen time',
  ];
  return parts.filter((part) => part !== '').join(' ');
}
