/**
 * examples/pytorch-to-page: its page, with files as export.py makes them. They are made here, by `exportOnnx` and the
 * reference in f64: PyTorch is not installed where this runs.
 */
import chromium from '@sparticuz/chromium';
import { expect, it } from 'vitest';
import {
  conv2d,
  flatten,
  GraphBuilder,
  linear,
  maxPool2d,
  relu,
  runReference,
  syntheticTensor,
  syntheticWeights,
} from '../../src/index.ts';
import { writeNpz } from '../../src/numpy/index.ts';
import { exportOnnx } from '../../src/onnx/index.ts';
import { useBrowser } from '../fixtures/browser.ts';
import { Example } from '../fixtures/example.ts';

const open = useBrowser(() => chromium.executablePath());
const SHAPE = [1, 3, 16, 16];

it.each([
  ['agrees with', 1, /^output \[1,10\]: within \d\.\de-\d of PyTorch's .*, as it should be$/m],
  ['differs from', 1.01, /^output \[1,10\]: within \d\.\de-\d of PyTorch's .*, WRONG$/m],
])('the page %s what was computed elsewhere', async (_, factor, said) => {
  const g = GraphBuilder.create();
  const x = g.input('input', SHAPE);
  const conv = conv2d(g.at('conv'), x, { channels: 8, kernel: 3, padding: 1 });
  const pooled = maxPool2d(g.at('pool'), relu(g.at('relu'), conv), { kernel: 2 });
  const y = linear(g.at('fc'), flatten(g.at('flat'), pooled), { features: 10 });
  g.output('output', y);
  const graph = g.build('net');
  const weights = syntheticWeights([]);
  const input = syntheticTensor('input', SHAPE);
  const output = runReference(graph, weights, { input }).get(y) ?? [];
  const expected = {
    input: { shape: SHAPE, data: input },
    output: { shape: [1, 10], data: Float32Array.from(output, (value) => factor * value) },
  };
  using example = new Example('pytorch-to-page', {
    'public/model.onnx': exportOnnx(graph, weights),
    'public/expected.npz': writeNpz(expected),
  });
  const page = await open();
  await page.goto(await example.serve());
  await page.getByText('of PyTorch').waitFor();
  expect(await page.locator('pre').textContent()).toMatch(said);
});
