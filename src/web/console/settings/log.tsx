// The last lines of the log, with a level that returns to the log's own after a time: the third part of the Settings view.

import type { LogData, LogLevel, LogLine, SetLevelResult } from '../../../console/views/log.ts';
import { Badge, Card, Empty, Note, SelectField, Skeleton, type Tone } from '../../shared/components.tsx';
import { formatTime } from '../../shared/time.tsx';
import { useLive } from '../live.ts';
import { PageHead } from '../page-head.tsx';
import { useQueryParam } from '../router.ts';
import { useAction } from '../use-action.ts';

const tones: Readonly<Record<LogLevel, Tone>> = {
  debug: 'neutral',
  info: 'neutral',
  warn: 'warn',
  error: 'bad',
};
const minutes = 10;

export function Log() {
  const [level, setLevel] = useQueryParam('level');
  const live = useLive<LogData>('log', { level });
  const [state, setLogLevel] = useAction<SetLevelResult>('log', 'level');
  const { data } = live;
  return (
    <>
      <PageHead title="Settings" live={live} />
      <Card
        title="Log"
        actions={
          <button
            type="button"
            class="button"
            disabled={state.isRunning}
            onClick={() => setLogLevel({ level: 'debug', minutes })}
          >
            Show debug lines for {minutes} minutes
          </button>
        }
      >
        <div class="stack">
          <p class="muted">
            The last lines of every node; secrets, phone numbers and texts are left out. Debug lines appear
            here only, not in files.
          </p>
          <SelectField
            label="Lowest level"
            value={level}
            onChange={setLevel}
            options={[
              { value: '', label: 'all' },
              { value: 'info', label: 'info' },
              { value: 'warn', label: 'warn' },
              { value: 'error', label: 'error' },
            ]}
          />
          {state.error !== undefined && <Note tone="bad">{state.error}</Note>}
          {data?.lowered && (
            <Note tone="warn">
              Lines from level {data.lowered.level} on appear until {formatTime(data.lowered.until)}.
            </Note>
          )}
          {data ? <Lines lines={data.lines} /> : <Skeleton lines={10} />}
        </div>
      </Card>
    </>
  );
}

function Lines({ lines }: { readonly lines: readonly LogLine[] }) {
  if (lines.length === 0)
    return <Empty title="No lines">The log has no line of this level since the start of the process.</Empty>;
  return (
    <ol class="log" aria-label="Log lines, the newest first">
      {lines.map(({ number, time, level, service, node, message, fields }) => (
        <li key={`${node} ${number}`}>
          <div class="row small">
            <time dateTime={time}>{time}</time>
            <Badge tone={tones[level]}>{level}</Badge>
            {node !== undefined && <span class="muted">{node}</span>}
            {service !== undefined && <span class="muted">{service}</span>}
          </div>
          <div>{message}</div>
          {fields !== '' && <code class="muted">{fields}</code>}
        </li>
      ))}
    </ol>
  );
}
