import { describe, expect, it } from 'vitest';
import { describeExpression } from '../../../shaders/lib/expression_text.ts';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { conversions } from '../../conversions.ts';
import { relu, sigmoid } from '../../layers/activations.ts';
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { add, mul, sub } from '../../layers/arithmetic.ts';
import { batchNorm } from '../../layers/batch_norm.ts';
import { concat } from '../../layers/concat.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { flatten } from '../../layers/flatten.ts';
import { linear } from '../../layers/linear.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import { DEFAULT_LIMITS } from '../device_profile.ts';
import type { Graph, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { shapeKey } from '../isolate.ts';
import { prepare } from '../prepare.ts';
import { assignPrecision } from './assign_precision.ts';
import { fuseEpilogue } from './fuse_epilogue.ts';

const SHAPE = [1, 6, 5, 3];
const LIMITED = { limits: DEFAULT_LIMITS };

function conv(g: GraphBuilder, name: string, x: Value): Value {
  return conv2d(g.at(name), x, { channels: 6, kernel: 3, padding: 1 });
}

/** The operators after fusing, and their epilogues, once the outputs are found to be the same. */
function fused(graph: Graph): string {
  const result = fuseEpilogue(graph, LIMITED);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result.nodes
    .map(({ op, epilogue }) => (epilogue ? `${op.name}: ${describeExpression(epilogue)}` : op.name))
    .join('; ');
}

describe('fuseEpilogue', () => {
  it.each<[string, string, (g: GraphBuilder) => Value]>([
    [
      'a relu into a convolution',
      'conv2d: max(value, 0)',
      (g) => relu(g, conv(g, 'c', g.input('x', SHAPE))),
    ],
    [
      'a relu into a linear layer',
      'linear: max(value, 0)',
      (g) => relu(g, linear(g, g.input('x', [2, 9]), { features: 4 })),
    ],
    [
      'a relu into a batch norm',
      'batch_norm: max(value, 0)',
      (g) => relu(g, batchNorm(g, g.input('x', SHAPE))),
    ],
    [
      'a relu into a pool',
      'max_pool2d: max(value, 0)',
      (g) => relu(g, maxPool2d(g, g.input('x', SHAPE), { kernel: 2 })),
    ],
    [
      'a sum and a relu into a convolution',
      'conv2d: max(value + operand0, 0)',
      (g) => {
        const x = g.input('x', SHAPE);
        return relu(g, add(g, conv(g, 'c', x), x));
      },
    ],
    [
      'a sum whose second term is the convolution',
      'conv2d: max(value + operand0, 0)',
      (g) => {
        const x = g.input('x', SHAPE);
        return relu(g, add(g, x, conv(g, 'c', x)));
      },
    ],
    [
      'a difference, whichever side the convolution is',
      'conv2d: operand0 - value',
      (g) => {
        const x = g.input('x', SHAPE);
        return sub(g, x, conv(g, 'c', x));
      },
    ],
    [
      'a sum of two convolutions into the later one',
      'conv2d; conv2d: max(value + operand0, 0)',
      (g) => {
        const x = g.input('x', SHAPE);
        const [a, b] = [conv(g, 'a', x), conv(g, 'b', x)];
        return relu(g, add(g, a, b));
      },
    ],
    [
      'a sum with a convolution that the other term is made from',
      'conv2d; max_pool2d; conv2d: value + operand0',
      (g) => {
        const a = conv(g, 'a', g.input('x', SHAPE));
        const b = maxPool2d(g, a, { kernel: 3, stride: 1, padding: 1 });
        return add(g, conv(g, 'b', a), b);
      },
    ],
    [
      'a sum with the relu of a convolution, which is fused first',
      'conv2d: max(value, 0); conv2d: value + operand0',
      (g) => {
        const x = g.input('x', SHAPE);
        return add(g, relu(g, conv(g, 'a', x)), conv(g, 'b', x));
      },
    ],
    [
      'a sum after a relu: the epilogue goes on',
      'conv2d: max(value, 0) + operand0',
      (g) => {
        const x = g.input('x', SHAPE);
        return add(g, relu(g, conv(g, 'c', x)), x);
      },
    ],
    [
      'a convolution added to itself',
      'conv2d: value + value',
      (g) => {
        const y = conv(g, 'c', g.input('x', SHAPE));
        return add(g, y, y);
      },
    ],
    [
      'a second residual, and the first again',
      'conv2d: (value + operand0 + operand1) * operand0',
      (g) => {
        const [x, other] = [g.input('x', SHAPE), g.input('other', SHAPE)];
        return mul(g, add(g, add(g, conv(g, 'c', x), x), other), x);
      },
    ],
    [
      'a residual into a linear layer',
      'linear: value + operand0',
      (g) => {
        const x = g.input('x', [2, 9]);
        return add(g, linear(g, x, { features: 9 }), x);
      },
    ],
    [
      'the gate of a channel, and one of all images',
      'conv2d: value * operand0 * operand1',
      (g) => {
        const gates = g.input('gates', [1, 6, 1, 1]);
        const layer = conv(g, 'c', g.input('x', SHAPE));
        return mul(g, mul(g, layer, gates), g.at('scale').weight('weight', [6, 1, 1]));
      },
    ],
    [
      'the gate of a plane that all channels share',
      'conv2d: value * operand0',
      (g) => mul(g, conv(g, 'c', g.input('x', SHAPE)), g.input('plane', [5, 3])),
    ],
    [
      'what computes a gate, into what computes that',
      'adaptive_average_pool2d; conv2d: sigmoid(value); conv2d: value * operand0',
      (g) => {
        const x = g.input('x', SHAPE);
        const squeezed = conv2d(g.at('fc'), globalAveragePool2d(g, x), { channels: 6, kernel: 1 });
        return mul(g, conv(g, 'c', x), sigmoid(g, squeezed));
      },
    ],
  ])('fuses %s', (_, expected, build) => {
    expect(fused(graphOf(build))).toBe(expected);
  });

  it('takes the later of two convolutions for a sum, whichever term it is', () => {
    for (const order of [0, 1]) {
      const graph = graphOf((g) => {
        const x = g.input('x', SHAPE);
        const terms = [conv(g, 'first', x), conv(g, 'second', x)] as const;
        return order === 0 ? add(g, ...terms) : add(g, terms[1], terms[0]);
      });
      const last = fuseEpilogue(graph, LIMITED).nodes.at(-1);
      expect(last?.name).toBe('second');
      expect(last?.inputs.operand0?.name).toBe('first');
    }
  });

  it('makes one layer of those that differ in the order of a sum, for kernels and for tuning', () => {
    const keys = [true, false].map((first) => {
      const graph = graphOf((g) => {
        const x = g.input('x', SHAPE);
        const y = conv(g, 'c', x);
        return relu(g, first ? add(g, y, x) : add(g, x, y));
      });
      return fuseEpilogue(graph, LIMITED).nodes.map(shapeKey);
    });
    expect(keys[0]).toEqual(keys[1]);
  });

  it('lets a node read its residual only once that is computed', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', SHAPE);
      const early = conv(g, 'early', x);
      const other = conv(g, 'other', x);
      const late = flatten(g.at('late'), other);
      return add(g, flatten(g.at('flat'), early), relu(g, late));
    });
    expectSameOutputs(fuseEpilogue(graph, LIMITED), graph);
    const gated = graphOf((g) => {
      const x = g.input('x', SHAPE);
      const early = conv(g, 'early', x);
      const late = concat(g.at('late'), [x]);
      return add(g, early, late);
    });
    const { nodes } = fuseEpilogue(gated, LIMITED);
    expect(nodes.map(({ name }) => name)).toEqual(['late', 'early']);
    expectSameOutputs(fuseEpilogue(gated, LIMITED), gated);
  });

  it.each<[string, string, (g: GraphBuilder) => Value]>([
    [
      'a relu of a value that another node reads',
      'conv2d; pointwise; concat',
      (g) => {
        const y = conv(g, 'c', g.input('x', SHAPE));
        return concat(g, [relu(g, y), y]);
      },
    ],
    [
      'a sum of a value that another node reads',
      'conv2d; pointwise; concat',
      (g) => {
        const x = g.input('x', SHAPE);
        const y = conv(g, 'c', x);
        return concat(g, [add(g, y, x), y]);
      },
    ],
    [
      'a relu into an operator whose kernels have none',
      'concat; pointwise',
      (g) => {
        const x = g.input('x', SHAPE);
        return relu(g, concat(g, [x, x]));
      },
    ],
    ['a relu into an input', 'pointwise', (g) => relu(g, g.input('x', SHAPE))],
    [
      'what repeats the result of the layer',
      'conv2d; pointwise',
      (g) => add(g, conv(g, 'c', g.input('x', SHAPE)), g.input('batch', [3, 6, 5, 3])),
    ],
    [
      'a factor of each column, which kernels cannot find',
      'conv2d; pointwise',
      (g) => mul(g, conv(g, 'c', g.input('x', SHAPE)), g.input('columns', [3])),
    ],
    [
      'a factor of each row, which kernels cannot find',
      'conv2d; pointwise',
      (g) => mul(g, conv(g, 'c', g.input('x', SHAPE)), g.input('rows', [6, 5, 1])),
    ],
  ])('does not fuse %s', (_, expected, build) => {
    expect(fused(graphOf(build))).toBe(expected);
  });

  it.each(['relu', 'add'])('does not fuse a %s of an output', (kind) => {
    const g = GraphBuilder.create();
    const x = g.input('x', SHAPE);
    const y = conv(g, 'c', x);
    g.output('before', y);
    g.output('after', kind === 'relu' ? relu(g, y) : add(g, y, x));
    expect(fused(g.build('test'))).toBe('conv2d; pointwise');
  });

  it('does not fuse the conversion of an output', () => {
    const g = GraphBuilder.create();
    const y = conv(g, 'c', g.input('x', SHAPE));
    g.output('before', y);
    g.output('after', maxPool2d(g, y, { kernel: 2 }));
    const half = assignPrecision(g.build('test'), conversions.pointwise, 'f16');
    expect(opsOf(half)).toBe('pointwise conv2d pointwise max_pool2d');
    expect(opsOf(fuseEpilogue(half, LIMITED))).toBe(opsOf(half));
  });

  describe('binds at most as many buffers as the device allows:', () => {
    /** A convolution and so many residuals; the first may be what it reads, too. */
    function residuals(count: number, reread: boolean, bias = true): Graph {
      return graphOf((g) => {
        const x = g.input('x', SHAPE);
        let sum = conv2d(g.at('c'), x, { channels: 6, kernel: 3, padding: 1, bias });
        if (reread) sum = add(g, sum, x);
        for (let i = reread ? 1 : 0; i < count; i++) sum = add(g, sum, g.input(`r${i}`, SHAPE));
        return sum;
      });
    }

    // Something is bound in place of a bias that is missing: it is counted for all.
    it.each([
      [8, 3],
      [10, 5],
      [16, 5],
    ])('of %i, %i are left for residuals', (most, left) => {
      const device = { limits: { ...DEFAULT_LIMITS, maxStorageBuffersPerShaderStage: most } };
      const graph = residuals(left, false);
      expect(opsOf(fuseEpilogue(graph, device))).toBe('conv2d');
      const more = fuseEpilogue(residuals(left + 1, false), device);
      expect(opsOf(more)).toBe('conv2d pointwise');
      expectSameOutputs(more, residuals(left + 1, false));
    });

    it.each(['gpu', 'llvmpipe', 'swiftshader'] as const)(
      'no kernel of a %s binds more, also where a value is read twice',
      (family) => {
        const device = profileOf(family);
        for (const [count, reread, bias] of [3, 4, 5, 9].flatMap((n) => [
          [n, false, true] as const,
          [n, true, true] as const,
          [n, false, false] as const,
        ])) {
          const { plan } = prepare(residuals(count, reread, bias), { device });
          const seen = new Set<string>();
          const candidates = plan.graph.nodes.flatMap((node) => node.op.candidates(node, device));
          for (const { kernel, lower } of candidates) {
            if (seen.has(kernel)) continue;
            seen.add(kernel);
            const most = Math.max(...lower().dispatches.map(({ bindings }) => bindings.length));
            expect(most, `${kernel} of ${count}`).toBeLessThanOrEqual(8);
          }
        }
      },
    );
  });

  it('keeps the names of the layers, which messages and profiles show', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', SHAPE);
      return relu(g.at('relu'), add(g.at('add'), conv(g, 'conv3', x), x));
    });
    const [node] = fuseEpilogue(graph, LIMITED).nodes;
    expect(node?.name).toBe('conv3');
    expect(node?.sources).toEqual(['conv3', 'add', 'relu']);
    expect(node?.output).toBe(graph.outputs.get('y'));
  });

  it.each(seeds(30))('computes the same outputs of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(200 + seed), 25);
    const result = fuseEpilogue(graph, LIMITED);
    expectSameOutputs(result, graph);
    expect(expectInOrder(result)).toBeLessThanOrEqual(graph.nodes.length);
  });
});
