// Asks a gateway for the phone number of an active seed. Used by `swob seeds get` and `swob wait`.

import { isTestingMsisdn } from '../../domain/shared/identifiers.ts';
import { SwobError } from '../../errors.ts';
import type { HttpClient } from './http-client.ts';

/** Undefined when no active seed has the IMSI. Throws UPSTREAM for the page of another server, as of a captive portal. */
export async function fetchSeedNumber(http: HttpClient, imsi: string): Promise<string | undefined> {
  const text = (await http.text({ path: `/seeds/${encodeURIComponent(imsi)}` })).trim();
  if (text === '') return undefined;
  if (isTestingMsisdn(text)) return text;
  throw new SwobError('UPSTREAM', `${http.baseUrl} did not respond with the phone number of a seed`);
}
