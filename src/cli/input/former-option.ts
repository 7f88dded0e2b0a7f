// Options that were renamed: the former name keeps its meaning, and help and completion do not show it. Used by commands.

import { Option } from 'commander';

/** `former` (such as `--number <MSISDN>`) sets the value of the option that is now called `name` (such as `msisdn`). */
export function formerOption(former: string, name: string): Option {
  const option = new Option(former, `the former name of --${name}`).hideHelp();
  option.attributeName = () => name;
  return option;
}
