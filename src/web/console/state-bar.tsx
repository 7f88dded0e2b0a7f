// The states of outgoing messages: their colours, and a bar of how many are in each. Used by the Outgoing view.

import type { OutgoingData } from '../../console/views/outgoing.ts';
import type { Tone } from '../shared/components.tsx';

export type StateCounts = OutgoingData['today']['states'];
export type State = keyof StateCounts;

export const stateTones: Readonly<Record<State, Tone>> = {
  queued: 'neutral',
  sent: 'neutral',
  delivered: 'good',
  failed: 'bad',
  expired: 'warn',
  cancelled: 'warn',
};

export const states = Object.keys(stateTones) as readonly State[];
/** From what is done to what is open. */
const barOrder: readonly State[] = ['delivered', 'sent', 'queued', 'cancelled', 'expired', 'failed'];

export function totalOf(counts: StateCounts): number {
  return states.reduce((sum, state) => sum + counts[state], 0);
}

/** `3 delivered, 1 failed` */
function describeCounts(counts: StateCounts): string {
  return barOrder
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state].toLocaleString('en')} ${state}`)
    .join(', ');
}

/** The text beside it distinguishes its parts, which says the same. */
export function StateBar({ counts }: { readonly counts: StateCounts }) {
  return (
    <>
      <span class="state-bar" aria-hidden="true">
        {barOrder.map((state) => (
          <span key={state} class={`is-${state}`} style={{ flexGrow: counts[state] }} />
        ))}
      </span>
      <span class="small">{describeCounts(counts)}</span>
    </>
  );
}
