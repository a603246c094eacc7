import type { Command } from 'commander';
import { models } from '../../src/index.ts';
import { print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { hubWeightsOf } from '../hub/models.ts';
import { addCommonOptions, type CommonOptions } from '../options.ts';
import { bundledWeights } from '../weights.ts';

export function addModelsCommand(program: Command): void {
  addCommonOptions(program.command('models'))
    .description('list the models')
    .action((options: CommonOptions) => {
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
