// `swob doctor`: checks the configuration and everything that the services depend on.

import type { Command } from 'commander';
import type { ServiceName } from '../../app/compose/context.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { SwobError } from '../../errors.ts';
import type { Finding } from '../../lib/finding.ts';
import { fetchHealth } from '../client/health.ts';
import { resolveServices, selectServices } from '../client/services.ts';
import { fetchSmsSummary, smsSummaryFindings } from '../client/sms-summary.ts';
import type { Context } from '../context.ts';
import type { Printer } from '../terminal/printer.ts';

const healthTimeoutMs = 3_000;
const styles = { warn: 'yellow', fail: 'red' } as const;

export function define(command: Command, context: Context): void {
  command
    .argument('[services...]', 'services to check (default: those that `swob serve` runs)')
    .addHelpText(
      'after',
      `
Starts and changes nothing. Prints one line per check: ok, warn (works, but needs attention) or fail (does not work), with
advice. Exits with 0 when no check fails, with 1 when one fails, with 78 when the configuration is invalid.

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
  const services = await selectServices(config, words);
  const { runChecks } = await import('../../app/compose/doctor.ts');
  const findings = await context.interruptible(async (signal) => {
    const identifySwob = async (service: ServiceName): Promise<string | undefined> => {
      const [daemon] = await resolveServices(config, [service], []);
      const health = daemon && (await fetchHealth(daemon, signal, healthTimeoutMs));
      if (!health || health.state === 'down' || health.state === 'up') return undefined;
      return `in use by swob ${health.version ?? ''} (${health.name}), which is ${health.state}`;
    };
    const examined = await runChecks({ config, services, clock: io.clock, signal, identifySwob });
    const gateway = services.includes('gateway')
      ? await resolveServices(config, ['gateway'], []).catch(() => [])
      : [];
    const backlog = await fetchSmsSummary(context, config, gateway, signal);
    return [...examined, ...(backlog ? smsSummaryFindings(backlog, io.clock.now()) : [])];
  });
  const all = [...configurationFindings(loaded), ...findings];
  const failed = all.filter(({ state }) => state === 'fail');
  if (printer.json) printer.value({ ok: failed.length === 0, findings: all });
  else for (const finding of all) printFinding(printer, finding);
  if (failed.length > 0) throw new SwobError('REFUSED', `${failed.length} of ${all.length} checks failed`);
}

/** Configuration errors have already ended the command. */
function configurationFindings({ settings, warnings }: LoadedConfig): Finding[] {
  const check = 'configuration';
  if (warnings.length === 0) return [{ check, state: 'ok', detail: `${settings.length} keys, no errors` }];
  return warnings.map((detail) => ({ check, state: 'warn', detail }));
}

function printFinding(printer: Printer, { check, state, detail, advice }: Finding): void {
  printer.line(`${state.padEnd(4)}  ${check}: ${detail}`, state === 'ok' ? undefined : styles[state]);
  if (advice !== undefined) printer.line(`      -> ${advice}`);
}
