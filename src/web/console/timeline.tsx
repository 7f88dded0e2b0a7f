// What happened to an entry of a list, step by step. Used by the cards of disconnects and outgoing messages.

import type { DisconnectDetails } from '../../console/views/disconnects.ts';
import { formatTime } from '../shared/time.tsx';

export function Timeline({ steps }: Pick<DisconnectDetails, 'steps'>) {
  return (
    <ol class="timeline" aria-label="History">
      {steps.map(({ tone, event, at, details }, index) => (
        <li key={index} class={tone}>
          {event} {at !== undefined && <span class="muted small">{formatTime(at)}</span>}
          {details.map((detail) => (
            <div key={detail} class="muted small">
              {detail}
            </div>
          ))}
        </li>
      ))}
    </ol>
  );
}
