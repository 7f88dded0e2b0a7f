// Every generated file of the documentation. Used by main.ts, and by the test that compares them with the committed ones.

import { exampleFile } from '../../src/config/example.ts';
import { stubScriptSchema } from '../../src/stubs/stub-script.ts';
import { commandsPage } from './commands.ts';
import { configurationPage } from './configuration.ts';
import { errorsPage } from './errors.ts';
import { manualPages } from './manual.ts';
import { metricsPage } from './metrics.ts';
import { architecturePicture } from './picture.ts';
import { routesPage } from './routes.ts';
import type { Services } from './services.ts';

/** Texts by path. */
export async function generatedFiles({
  documents,
  metrics,
}: Services): Promise<Readonly<Record<string, string>>> {
  return {
    'confs/example.conf.ini': exampleFile(),
    ...(await manualPages()),
    'docs/architecture.svg': await architecturePicture(),
    'docs/reference/commands.md': await commandsPage(),
    'docs/reference/configuration.md': configurationPage(),
    'docs/reference/errors.md': errorsPage(),
    'docs/reference/metrics.md': metricsPage(metrics),
    'docs/reference/routes.md': routesPage(documents),
    'docs/reference/stub-script.schema.json': stubScriptText(),
  };
}

/** The JSON Schema of --scenario and --expect, for editors. */
function stubScriptText(): string {
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...stubScriptSchema };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
