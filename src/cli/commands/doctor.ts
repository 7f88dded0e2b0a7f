// `swob doctor`: checks everything that the services need, and says what to do.

import type { Command } from 'commander';
import type { ServiceName } from '../../app/compose/world.ts';
import type { Finding } from '../../app/doctor/finding.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { askHealth } from '../health.ts';
import type { Printer } from '../printer.ts';
import { findDaemons, servicesOf } from '../services.ts';

const answerMs = 3_000;
const styles = { warn: 'yellow', fail: 'red' } as const;

export function define(command: Command, context: Context): void {
  command
    .argument('[services...]', 'for which to check; none: those that `swob serve` runs without names')
    .addHelpText(
      'after',
      `
Starts nothing and changes nothing. One line for each check: ok, warn (works, and may not for long) or fail (does not
work), with what to do. Exits with 0 when nothing fails, with 1 when something does, with 78 when the configuration is
broken.

Example:
  swob doctor
  swob doctor disconnect --json | jq '.findings[] | select(.state != "ok")'`,
    )
    .action((words: string[]) => doctor(context, words));
}

async function doctor(context: Context, words: readonly string[]): Promise<void> {
  const { io, printer } = context;
  const loaded = await context.loadConfig();
  const { config } = loaded;
  const services = await servicesOf(config, words);
  const { examine } = await import('../../app/compose/doctor.ts');
  const findings = await context.interruptible(async (signal) => {
    const whoAnswers = async (service: ServiceName): Promise<string | undefined> => {
      const [daemon] = await findDaemons(config, [service], []);
      const health = daemon && (await askHealth(daemon, signal, answerMs));
      if (!health || health.state === 'down' || health.state === 'up') return undefined;
      return `swob ${health.version ?? ''} (${health.name}) answers there, ${health.state}`;
    };
    return examine({ config, services, clock: io.clock, signal, whoAnswers });
  });
  const all = [...configuration(loaded), ...findings];
  const failed = all.filter(({ state }) => state === 'fail');
  if (printer.json) printer.value({ ok: failed.length === 0, findings: all });
  else for (const finding of all) print(printer, finding);
  if (failed.length > 0) throw new SwobError('REFUSED', `${failed.length} of ${all.length} checks failed`);
}

/** Faults have ended the command already. */
function configuration({ settings, notes }: LoadedConfig): Finding[] {
  const check = 'configuration';
  if (notes.length === 0) return [{ check, state: 'ok', detail: `${settings.length} keys, no faults` }];
  return notes.map((detail) => ({ check, state: 'warn', detail }));
}

function print(printer: Printer, { check, state, detail, advice }: Finding): void {
  printer.line(`${state.padEnd(4)}  ${check}: ${detail}`, state === 'ok' ? undefined : styles[state]);
  if (advice !== undefined) printer.line(`      -> ${advice}`);
}
