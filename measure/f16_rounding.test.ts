import { describe, expect, it } from 'vitest';
import {
  ANY_GPU,
  add,
  buildModel,
  conv2d,
  type DType,
  findModel,
  type Graph,
  GraphBuilder,
  prepare,
  relu,
  type Value,
} from '../src/index.ts';
import { f16Tolerance } from './f16_rounding.ts';

const device = { ...ANY_GPU, shaderF16: true };

function toleranceOf(graph: Graph, precision: DType = 'f16'): number {
  return f16Tolerance(prepare(graph, { device, precision }).plan.graph);
}

const W = 2 ** -22 / 3;
const M = 2 ** -20 / 3;

describe('tolerance of logits in f16', () => {
  const g = GraphBuilder.create();
  const x = g.input('input', [1, 4, 8, 8]);
  const convolution = (name: string, from: Value) =>
    relu(g, conv2d(g.at(name), from, { channels: 4, kernel: 3, padding: 1 }));
  const first = convolution('first', x);
  const second = convolution('second', first);
  g.output('y', convolution('last', add(g, second, first)));
  const graph = g.build('with a shortcut');

  it('adds up what the longest path rounds: the input, weights, maps; outputs are f32', () => {
    // Input, first, second with what is added to it, last.
    expect(toleranceOf(graph)).toBeCloseTo(6 * Math.sqrt(3 * M + 3 * W), 10);
  });

  it('is nothing where nothing is rounded', () => {
    expect(toleranceOf(graph, 'f32')).toBe(0);
  });

  it('is what wrong kernels exceed, for models as deep as there are', () => {
    expect(toleranceOf(buildModel(findModel('densenet121')))).toBeLessThan(0.06);
    expect(toleranceOf(buildModel(findModel('resnet50')))).toBeCloseTo(0.028, 3);
  });
});
