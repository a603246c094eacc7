/** What GPUs' compilers make of ResNet-50's convolutions, beside onnxruntime's: what `bench:isa --summary` printed. */
import type { Summary } from '../isa/summary.ts';
import { table } from './markdown.ts';

/** A line of compilers.jsonl. */
export interface CompilersLine extends Summary {
  readonly model: string;
  readonly batch: number;
  readonly precision: string;
}

export function readCompilers(text: string): readonly CompilersLine[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CompilersLine);
}

const HEAD = [
  'GPU',
  '1x1',
  '3x3',
  "Winograd's products",
  'onnxruntime MatMul',
  'onnxruntime Conv2dMM',
  'spilling',
  'compiling',
  "onnxruntime's",
];

/** A row a GPU; of several batches, a figure of each. */
export function compilersSection(lines: readonly CompilersLine[]): string {
  const batches = [...new Set(lines.map(({ batch }) => batch))];
  const gpus = [...new Set(lines.map(({ gpu }) => gpu))];
  const rows = gpus.map((gpu) => {
    const runs = batches.flatMap((batch) =>
      lines.filter((line) => line.gpu === gpu && line.batch === batch),
    );
    const figures = (of: (line: CompilersLine) => number | undefined): string =>
      runs.map((line) => of(line)?.toFixed(2) ?? '–').join(' / ');
    const times = (of: (line: CompilersLine) => number | undefined): string =>
      runs.map((line) => of(line)?.toFixed(0) ?? '–').join(' / ');
    return [
      gpu,
      figures(({ rates }) => rates['1x1']),
      figures(({ rates }) => rates['3x3']),
      figures(({ rates }) => rates.Winograd),
      figures(({ peer }) => peer?.MatMul),
      figures(({ peer }) => peer?.Conv2dMM),
      runs.map(({ spilling, pipelines }) => `${spilling} of ${pipelines}`).join(' / '),
      times(({ compiling }) => compiling),
      times(({ peerCompiling }) => peerCompiling),
    ];
  });
  return table(HEAD, rows);
}
