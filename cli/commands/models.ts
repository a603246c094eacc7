import type { Command } from 'commander';
import { models } from '../../src/index.ts';
import { addCommonOptions, type CommonOptions } from '../options.ts';
import { print, printJson } from '../output.ts';
import { formatTable } from '../table.ts';

export function addModelsCommand(program: Command): void {
  addCommonOptions(program.command('models'))
    .description('list the models')
    .action((options: CommonOptions) => {
      if (options.json) {
        for (const { name, summary, channels, size, classes } of models.values()) {
          printJson({ name, summary, channels, size, classes });
        }
        return;
      }
      const rows = [...models.values()].map(({ name, summary }) => [name, summary]);
      print(formatTable(['model', ''], rows));
    });
}
