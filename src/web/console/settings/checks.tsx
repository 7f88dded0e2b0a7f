// The checks of `swob doctor` with what to do: the second part of the Settings view.

import type { ChecksData, RunChecksResult } from '../../../console/views/checks.ts';
import { Badge, Card, Empty, Note, Skeleton, type Tone } from '../../shared/components.tsx';
import { Ago } from '../../shared/time.tsx';
import { useLive } from '../live.ts';
import { PageHead } from '../page-head.tsx';
import { useAction } from '../use-action.ts';

const tones: Readonly<Record<string, Tone>> = { ok: 'good', warn: 'warn', fail: 'bad' };
const worstFirst = ['fail', 'warn', 'ok'];

export function Checks() {
  const live = useLive<ChecksData>('checks');
  const [state, run] = useAction<RunChecksResult>('checks', 'run');
  const isRunning = state.isRunning || live.data?.isRunning === true;
  return (
    <>
      <PageHead title="Settings" live={live} />
      <Card
        title="Checks"
        actions={
          <button type="button" class="button primary" disabled={isRunning} onClick={() => run({})}>
            {isRunning ? 'Checking…' : 'Run the checks'}
          </button>
        }
      >
        <div class="stack">
          <p class="muted">
            Connects to every system that swob depends on, and examines its files, keys, ports and clock. It
            changes nothing, and takes a few seconds.
          </p>
          {state.error !== undefined && <Note tone="bad">{state.error}</Note>}
          {state.result && <Note tone={toneOf(state.result)}>{sentenceOf(state.result)}</Note>}
          {/* What the action did arrives before its findings. */}
          {live.data && (live.data.last || !(isRunning || state.result)) ? (
            <Findings last={live.data.last} />
          ) : (
            <Skeleton lines={6} />
          )}
        </div>
      </Card>
    </>
  );
}

function toneOf(result: RunChecksResult): Tone {
  if (result.kind === 'recent') return 'neutral';
  if (result.failed > 0) return 'bad';
  return result.warned > 0 ? 'warn' : 'good';
}

function sentenceOf(result: RunChecksResult): string {
  if (result.kind === 'recent') return 'The checks ran seconds ago; these are their findings.';
  const { failed, warned, total } = result;
  if (failed + warned === 0) return `All ${total} checks passed.`;
  return `${total} checks: ${failed} failed, ${warned} with a warning.`;
}

function Findings({ last }: Pick<ChecksData, 'last'>) {
  if (!last)
    return <Empty title="Not checked yet">Run the checks to see what does not work, and what to do.</Empty>;
  const sorted = last.findings.toSorted((a, b) => worstFirst.indexOf(a.state) - worstFirst.indexOf(b.state));
  return (
    <>
      <p class="muted small">
        Checked <Ago at={last.at} />
      </p>
      <ul class="timeline" aria-label="Findings">
        {sorted.map(({ check, state, detail, advice, nodes }) => (
          <li key={`${check} ${state} ${detail}`} class={tones[state]}>
            <div class="row">
              <strong>{check}</strong>
              <Badge tone={tones[state] ?? 'neutral'}>{state}</Badge>
              {nodes && <span class="muted">{nodes.join(', ')}</span>}
            </div>
            <p>{detail}</p>
            {advice !== undefined && <p class="muted">What to do: {advice}</p>}
          </li>
        ))}
      </ul>
    </>
  );
}
