// One message as a timeline, why it was refused, and what an operator can do. Used by the view of messages.

import type { MessagesData } from '../../console/views/messages.ts';
import { Badge, Empty, Remedy, type Tone } from '../shared/components.tsx';
import type { Confirmation } from '../shared/confirm.tsx';
import { Ago, formatTime } from '../shared/time.tsx';
import { EntryCard } from './list.tsx';

type Message = NonNullable<MessagesData['selected']>;

export const stateTones: Readonly<Record<Message['state'], Tone>> = {
  published: 'good',
  waiting: 'neutral',
  sending: 'neutral',
  'dead-lettered': 'bad',
  'outcome unknown': 'warn',
  refused: 'warn',
};

export interface MessageCardProps {
  readonly id: string;
  readonly data: MessagesData | undefined;
  readonly closeUrl: string;
  readonly onAction: (confirmation: Confirmation) => void;
  readonly act: (action: 'retry' | 'drop', body: object) => void;
}

export function MessageCard({ id, data, closeUrl, onAction, act }: MessageCardProps) {
  const selected = data?.selected;
  return (
    <EntryCard
      title="Message"
      id={id}
      closeUrl={closeUrl}
      entry={selected && selected.id !== id ? undefined : selected}
      unknown={
        <Empty title="No such message">
          <span>
            <code>{id}</code> is unknown here, or has expired.
          </span>
        </Empty>
      }
    >
      {(message) => <MessageDetails message={message} onAction={onAction} act={act} />}
    </EntryCard>
  );
}

function MessageDetails(props: {
  readonly message: Message;
  readonly onAction: MessageCardProps['onAction'];
  readonly act: MessageCardProps['act'];
}) {
  const { message, onAction, act } = props;
  const { id, state, msisdn, platform, attempts, dueAt, remedy, relayed } = message;
  const isDead = state === 'dead-lettered' || state === 'outcome unknown';
  const retry: Confirmation = {
    title: 'Retry this message?',
    text: (
      <>
        <p>It is sent to the Publisher after 5 seconds; until then you can undo it.</p>
        {state === 'outcome unknown' && (
          <p>It may have been published before. If so, it would be published twice.</p>
        )}
      </>
    ),
    button: 'Retry',
    run: () => act('retry', { id }),
  };
  const drop: Confirmation = {
    title: 'Drop this message?',
    text: (
      <p>
        It is deleted after 10 seconds and never published; its sender is not told. Until then you can undo
        it, also after you have closed this page.
      </p>
    ),
    button: 'Drop',
    isDangerous: true,
    run: () => act('drop', { id }),
  };
  return (
    <div class="stack">
      <div class="row">
        <Badge tone={stateTones[state]}>{state}</Badge>
        {msisdn !== undefined && <strong>{msisdn}</strong>}
        {platform !== undefined && <span class="muted">by {platform}</span>}
        {relayed && <span class="muted">for the RelaySMS Publisher</span>}
      </div>
      <code>{id}</code>
      {remedy !== undefined && <Remedy text={remedy} />}
      <ol class="timeline" aria-label="History">
        {message.history.map(({ at, event }, index) => (
          <li key={index} class={toneOf(event)}>
            {event} <span class="muted small">{formatTime(at)}</span>
          </li>
        ))}
        {dueAt !== undefined && (
          <li>
            next attempt <Ago at={dueAt} />
            {attempts !== undefined && attempts > 0 && <span class="muted">, after {attempts} so far</span>}
          </li>
        )}
      </ol>
      {(isDead || state === 'waiting') && (
        <div class="row">
          <button type="button" class="button primary" onClick={() => onAction(retry)}>
            Retry
          </button>
          {isDead && (
            <button type="button" class="button danger" onClick={() => onAction(drop)}>
              Drop
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function toneOf(event: string): string {
  if (/^(published|relayed)/.test(event)) return 'good';
  if (/^dead-lettered|^refused/.test(event)) return 'bad';
  return /failed|unknown/.test(event) ? 'warn' : '';
}
