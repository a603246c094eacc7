import { describe, expect, it } from 'vitest';
import { apply, type Expression } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { add, div, mul } from '../../layers/arithmetic.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { type Reduction, reduce } from '../../layers/reduce.ts';
import { isPointwise } from '../builtins.ts';
import { ANY_GPU, DEFAULT_LIMITS } from '../device_profile.ts';
import type { Graph, Value } from '../graph.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { prepare } from '../prepare.ts';
import { inlineScalars } from './inline_scalars.ts';

const LIMITED = { limits: DEFAULT_LIMITS };

function inlined(graph: Graph): Graph {
  const result = inlineScalars(graph, LIMITED);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result;
}

const whole = (g: GraphBuilder, x: Value, kind: Reduction) =>
  reduce(g.at(kind), x, kind, { keepAxes: false });

/** A scale and an offset of all elements, made of the largest and the least. */
function scaleAndOffset(g: GraphBuilder, x: Value): readonly [scale: Value, offset: Value] {
  const [most, least] = [whole(g, x, 'max'), whole(g, x, 'min')];
  const scale = pointwise(g.at('scale'), [most, least], (a = 0, b = 0) => apply(f.sub, a, b));
  return [scale, div(g.at('offset'), least, scale)];
}

describe('inlineScalars', () => {
  it('puts what single values are made of where they are read, and leaves their nodes out', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 2, 3, 4]);
      const [scale, offset] = scaleAndOffset(g, x);
      const y = pointwise(g.at('y'), [x, scale, offset], (v = 0, s = 1, o = 0) =>
        apply(f.sub, apply(f.div, v, s), o),
      );
      return mul(g.at('back'), y, scale);
    });
    const result = inlined(graph);
    expect(opsOf(result)).toEqual('reduce reduce pointwise pointwise');
    expect(result.nodes.at(-1)?.sources).toEqual(['scale', 'back']);
    expect(result.nodes.at(-2)?.sources).toEqual(['scale', 'offset', 'y']);
  });

  it('goes into epilogues, beside inputs of the same value', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 2, 5, 5]);
      const [scale] = scaleAndOffset(g, x);
      const sum = conv2d(g.at('conv'), x, { channels: 3, kernel: 3 });
      return add(g.at('sum'), mul(g.at('scaled'), sum, scale), scale);
    });
    const { plan } = prepare(graph, { device: ANY_GPU });
    expectSameOutputs(plan.graph, graph);
    expect(opsOf(plan.graph)).toEqual('reduce reduce conv2d');
  });

  it('is left alone where a node stays anyway', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [2, 3]);
      const [scale] = scaleAndOffset(g, x);
      g.output('scale', scale);
      return mul(g.at('y'), x, scale);
    });
    expect(inlined(graph).nodes.map(({ name }) => name)).toEqual(['max', 'min', 'scale', 'y']);
    expect(inlined(graph).nodes.at(-1)?.sources).toBeUndefined();
    const reduced = graphOf((g) => {
      const x = g.input('x', [2, 3]);
      const [scale] = scaleAndOffset(g, x);
      g.output('again', whole(g.at('again'), scale, 'max'));
      return mul(g.at('y'), x, scale);
    });
    expect(inlined(reduced).nodes.find(({ name }) => name === 'y')?.sources).toBeUndefined();
  });

  it('keeps what an output, another operator or too many calls need', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [2, 3]);
      const [scale, offset] = scaleAndOffset(g, x);
      g.output('scale', scale);
      const long = Array.from({ length: 40 }).reduce<Value>(
        (sum, _, i) =>
          pointwise(
            g.at(`long${i}`),
            [sum, scale],
            (a = 0, b = 0): Expression => apply(f.sub, apply(f.sin, a), b),
          ),
        offset,
      );
      g.output('most', whole(g.at('again'), offset, 'max'));
      return mul(g.at('y'), x, long);
    });
    const result = inlined(graph);
    const names = result.nodes.filter(isPointwise).map(({ name }) => name);
    expect(names).toContain('scale');
    expect(names).toContain('offset');
    // 80 calls do not fit into one expression.
    expect(names.filter((name) => name.startsWith('long')).length).toBe(1);
  });

  it('binds no more than a device does', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [2, 3]);
      const parts = Array.from({ length: 6 }, (_, i) =>
        whole(g.at(i), g.input(`x${i}`, [4]), 'max'),
      );
      const scale = pointwise(g.at('scale'), parts, (...all) =>
        all.reduce<Expression>((a, b) => apply(f.add, a, b), apply(f.neg, all[0] ?? 0)),
      );
      return pointwise(
        g.at('y'),
        [x, scale, g.input('a', [3]), g.input('b', [3])],
        (v = 0, s = 0, a = 0, b = 0) => apply(f.add, apply(f.mul, apply(f.mul, v, s), a), b),
      );
    });
    expect(inlined(graph).nodes.filter(isPointwise)).toHaveLength(2);
  });
});
