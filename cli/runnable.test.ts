import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { conv2d, GraphBuilder, syntheticWeights } from '../src/index.ts';
import { exportOnnx } from '../src/onnx/index.ts';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { openRunnable } from './runnable.ts';

const folder = temporaryFolder();

it('says for which shapes a file is read, where these are not its own and do not fit', () => {
  const file = join(folder, 'net.onnx');
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 3, 8, 8]);
  g.output('y', conv2d(g.at('conv'), x, { channels: 4, kernel: 5 }));
  writeFileSync(file, exportOnnx(g.build('net'), syntheticWeights(['conv.weight', 'conv.bias'])));
  const model = openRunnable(file);
  expect(() => model.build({ x: [1, 3, 8, 9] })).not.toThrow();
  expect(() => model.build({ x: [1, 3, 4, 8] })).toThrow(
    /conv.*give a larger input\n"x" is read as \[1, 3, 4, 8\]; the file says \[1, 3, 8, 8\]$/s,
  );
});
