// One request for outgoing SMS with its progress, one message as a timeline, and what can be cancelled of them. Used by the
// Outgoing view.

import type { OutgoingData, OutgoingDetails } from '../../console/views/outgoing.ts';
import { Badge, Empty } from '../shared/components.tsx';
import type { Confirmation } from '../shared/confirm.tsx';
import { Ago } from '../shared/time.tsx';
import { Link } from './link.tsx';
import { EntryCard } from './list.tsx';
import { StateBar, stateTones, totalOf } from './state-bar.tsx';
import { Timeline } from './timeline.tsx';

type Request = NonNullable<OutgoingData['request']>;

interface CardProps {
  readonly data: OutgoingData | undefined;
  readonly closeUrl: string;
  readonly onAction: (confirmation: Confirmation) => void;
}

export function RequestCard(
  props: CardProps & {
    readonly developer: string;
    readonly uuid: string;
    readonly cancel: (body: { readonly developer: string; readonly uuid: string }) => void;
  },
) {
  const { data, closeUrl, developer, uuid, onAction, cancel } = props;
  const request = data?.request;
  const isOther = request && (request.uuid !== uuid || request.authId !== developer);
  return (
    <EntryCard
      title="Request"
      id={`${developer} ${uuid}`}
      closeUrl={closeUrl}
      entry={isOther ? undefined : request}
      unknown={
        <Empty title="No such request">
          <span>
            <code>{uuid}</code> of <code>{developer}</code> is unknown here, or its messages are no longer
            kept.
          </span>
        </Empty>
      }
    >
      {(found) => (
        <div class="stack">
          <div class="row">
            <strong>{found.authId}</strong>
            <span class="muted">
              {plural(totalOf(found.states))}, <Ago at={found.at} />
            </span>
          </div>
          <code>{found.uuid}</code>
          <StateBar counts={found.states} />
          {found.pending > 0 && (
            <div class="row">
              <button
                type="button"
                class="button danger"
                onClick={() => onAction(cancelRequest(found, () => cancel({ developer, uuid })))}
              >
                Cancel what waits ({found.pending.toLocaleString('en')})
              </button>
            </div>
          )}
        </div>
      )}
    </EntryCard>
  );
}

function cancelRequest({ states, pending, authId }: Request, run: () => void): Confirmation {
  const others = totalOf(states) - pending - states.cancelled;
  return {
    title: `Cancel ${plural(pending)} of this request?`,
    text: (
      <>
        <p>
          All SMS of it that wait in swob are cancelled and never sent; {authId} is told by callback if it
          asked for that.
        </p>
        {others > 0 && (
          <p>The other {plural(others)} stay as they are: RabbitMQ has them, or they are over.</p>
        )}
        <p>This cannot be undone.</p>
      </>
    ),
    button: `Cancel ${plural(pending)}`,
    isDangerous: true,
    run,
  };
}

export function OutgoingMessageCard(
  props: CardProps & {
    readonly id: string;
    readonly requestUrl: (message: OutgoingDetails) => string;
    readonly cancel: (body: { readonly id: string }) => void;
  },
) {
  const { data, closeUrl, id, onAction, cancel, requestUrl } = props;
  const selected = data?.selected;
  return (
    <EntryCard
      title={selected?.number ?? 'Message'}
      id={id}
      closeUrl={closeUrl}
      entry={selected && selected.id !== id ? undefined : selected}
      unknown={
        <Empty title="No such message">
          <span>
            <code>{id}</code> is unknown here, or no longer kept.
          </span>
        </Empty>
      }
    >
      {(message) => (
        <div class="stack">
          <div class="row">
            <Badge tone={stateTones[message.state]}>{message.state}</Badge>
            <span>{message.operatorName || 'unknown operator'}</span>
            <span class="muted">
              message <code>{message.id}</code>
            </span>
            <Link href={requestUrl(message)}>Its request</Link>
          </div>
          <Timeline steps={message.steps} />
          {message.isPending && (
            <div class="row">
              <button
                type="button"
                class="button danger"
                onClick={() => onAction(cancelMessage(message, () => cancel({ id: message.id })))}
              >
                Cancel
              </button>
            </div>
          )}
        </div>
      )}
    </EntryCard>
  );
}

function cancelMessage({ number, authId }: OutgoingDetails, run: () => void): Confirmation {
  return {
    title: 'Cancel this SMS?',
    text: (
      <p>
        The SMS to {number} is never sent, and {authId} is told by callback if it asked for that. This cannot
        be undone.
      </p>
    ),
    button: 'Cancel the SMS',
    isDangerous: true,
    run,
  };
}

function plural(count: number): string {
  return `${count.toLocaleString('en')} SMS`;
}
