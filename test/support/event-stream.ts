// A client of Server-Sent Events that reads one event at a time. Used by the tests of the console.

import { onEnd } from './teardown.ts';

export interface EventStream {
  readonly status: number;
  readonly headers: Headers;
  /**
   * The next event other than a heartbeat: its name, `message` without one, and its parsed data. Undefined when the stream has ended.
   */
  next(): Promise<{ readonly name: string; readonly data: unknown } | undefined>;
  close(): void;
  /** Heartbeats before the last event. */
  readonly beats: number;
}

export async function openEventStream(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<EventStream> {
  const controller = new AbortController();
  const close = (): void => controller.abort();
  onEnd(close);
  const response = await fetch(url, { headers, signal: controller.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = '';
  let beats = 0;
  const nextBlock = async (): Promise<string | undefined> => {
    for (;;) {
      const end = buffered.indexOf('\n\n');
      if (end >= 0) {
        const block = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        return block;
      }
      const chunk = await reader?.read().catch(() => undefined);
      if (!chunk || chunk.done) return undefined;
      buffered += chunk.value;
    }
  };
  return {
    status: response.status,
    headers: response.headers,
    next: async () => {
      for (let block = await nextBlock(); block !== undefined; block = await nextBlock()) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        const name = /^event: (.*)$/m.exec(block)?.[1] ?? 'message';
        if (name === 'beat') beats++;
        else if (data !== undefined) return { name, data: JSON.parse(data) };
      }
      return undefined;
    },
    close,
    get beats() {
      return beats;
    },
  };
}
