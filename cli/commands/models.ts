import type { Command } from 'commander';
import { models } from '../../src/index.ts';
import { print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { hubWeightsOf } from '../hub/models.ts';
import { type CommonOptions, JSON_OPTION } from '../options.ts';
import { bundledWeights } from '../weights.ts';

export function addModelsCommand(program: Command): void {
  program
    .command('models')
    .description('list the models')
    .option(...JSON_OPTION)
    .action((options: Pick<CommonOptions, 'json'>) => {
      if (options.json) {
        for (const { name, summary, channels, size, classes } of models.values()) {
          printJson({ name, summary, channels, size, classes, weights: weightsOf(name) });
        }
        return;
      }
      const rows = [...models.values()].map(({ name, summary }) => [
        name,
        summary,
        weightsOf(name),
      ]);
      print(formatTable(['model', '', 'weights'], rows));
    });
}

/** How trained weights for a model are had. */
function weightsOf(model: string): string {
  if (bundledWeights(model)) return 'included';
  return hubWeightsOf(model) ? `download ${model}` : 'your own';
}
