import type { Command } from 'commander';
import { modelFamilies } from '../../src/index.ts';
import { print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { hubWeightsOf } from '../hub/models.ts';
import { type CommonOptions, JSON_OPTION } from '../options.ts';
import { bundledWeights } from '../weights.ts';

export function addModelsCommand(program: Command): void {
  program
    .command('models')
    .description('list the models, by family')
    .option(...JSON_OPTION)
    .action((options: Pick<CommonOptions, 'json'>) => {
      if (options.json) {
        for (const { name: family, models } of modelFamilies) {
          for (const { name, summary, channels, size, classes } of models) {
            const weights = weightsOf(name);
            printJson({ name, family, summary, channels, size, classes, weights });
          }
        }
        return;
      }
      const rows = modelFamilies.flatMap(({ name: family, models }) =>
        models.map(({ name, summary }, i) => [
          i === 0 ? family : '',
          name,
          weightsOf(name),
          summary,
        ]),
      );
      // What is longest stands last, where narrow terminals break it.
      print(formatTable(['family', 'model', 'weights', ''], rows));
      print('\nweights: tilewise download MODEL, or --weights FILE with your own');
    });
}

/** How trained weights for a model are had. */
function weightsOf(model: string): string {
  if (bundledWeights(model)) return 'included';
  return hubWeightsOf(model) ? 'download' : 'your own';
}
