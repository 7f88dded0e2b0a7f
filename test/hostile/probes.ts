import { expect } from 'vitest';
import { get } from '../support/phone.ts';

export const overHttp = (url: string): string => url.replace(/^ws/, 'http');

/** The value of one line of /metrics; undefined when there is no such line. */
export async function metric(url: string, line: string): Promise<number | undefined> {
  const { text } = await get(`${url}/metrics`);
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
}

interface Readyz {
  readonly ready: boolean;
  readonly state: string;
  readonly service: string;
  readonly version: string;
  readonly uptime: number;
  readonly checks: Record<string, { ok: boolean; required: boolean; ms: number; reason?: string }>;
}

export async function readyz(url: string): Promise<{ status: number; body: Readyz }> {
  const { status, text, headers } = await get(`${overHttp(url)}/readyz`);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  return { status, body: JSON.parse(text) };
}
