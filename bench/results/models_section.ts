/** Whole models: what `bench model` measured. */
import { type ModelRun, noiseOf } from '../../measure/model_runs.ts';
import { facts, bytes as size, table, time } from './markdown.ts';

const HEAD = [
  'model',
  'input',
  'precision',
  'load',
  'first run',
  'median run',
  'half of the runs',
  'p95',
  'host',
  'GPU memory',
];

/** Empty where there are none. */
export function modelsSection(runs: readonly ModelRun[]): string {
  const [first] = runs;
  if (!first) return '';
  const rows = runs.map((run) => [
    run.model,
    run.inputShape.join(' x '),
    run.precision ?? 'f32',
    time(run.loadMs),
    time(run.firstRunMs),
    time(run.medianMs),
    `${time(run.lowMs)} to ${time(run.highMs)}`,
    time(run.p95Ms),
    time(run.hostMs),
    size(run.memory.total),
  ]);
  return `### Models

${facts(first.machine)}.

${table(HEAD, rows)}
${noiseNote(runs)}`;
}

/** Empty where nothing disturbed. */
function noiseNote(runs: readonly ModelRun[]): string {
  const noisy = runs.filter((run) => noiseOf(run).length > 0);
  if (noisy.length === 0) return '';
  const names = noisy.map(({ model, inputShape: [batch] }) => `${model} of ${batch}`);
  return `\nThe machine was noisy, so that medians may come out more than 10 % off the next time: ${names.join(', ')}.\n`;
}
