import { describe, expect, it } from 'vitest';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { relu } from '../layers/activations.ts';
import { add } from '../layers/arithmetic.ts';
import { concat } from '../layers/concat.ts';
import { conv2d } from '../layers/conv2d.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { compile } from '../runtime/plan/compile.ts';
import { partOf, trafficOf } from './traffic.ts';

/** 1 x 2 x 4 x 4 floats. */
const BYTES = 128;

function dispatchesOf(build: (g: GraphBuilder, x: Value) => Value, kernel = '') {
  const g = GraphBuilder.create();
  g.output('y', build(g, g.input('x', [1, 2, 4, 4])));
  const device = profileOf('gpu');
  const plan = compile(g.build('test'), { device, kernels: () => kernel });
  return plan.dispatches.map((dispatch) => ({
    ...dispatch,
    part: partOf(dispatch),
    bytes: trafficOf(plan, dispatch),
  }));
}

describe('the traffic of a dispatch', () => {
  it('is every tensor once, a value that is bound twice included', () => {
    const [sum] = dispatchesOf((g, x) => add(g, x, x));
    expect(sum).toMatchObject({ part: undefined, bytes: 2 * BYTES });
  });

  it('is read and written where the output takes the memory of an input', () => {
    const [first, second] = dispatchesOf((g, x) => relu(g.at('b'), relu(g.at('a'), x)));
    const tensorsOf = (dispatch: typeof first) =>
      dispatch?.bindings.filter(({ access }) => access !== 'uniform');
    expect(tensorsOf(first)).toHaveLength(2);
    expect(tensorsOf(second)).toHaveLength(1);
    expect([first?.bytes, second?.bytes]).toEqual([2 * BYTES, 2 * BYTES]);
  });

  it('shares out an output that several dispatches write', () => {
    const parts = dispatchesOf((g, x) => concat(g, [x, relu(g, x)])).slice(1);
    expect(parts.map(({ bytes }) => bytes)).toEqual([2 * BYTES, 2 * BYTES]);
  });

  it('counts what the dispatches of an algorithm pass on, and names each by it', () => {
    const layer = { channels: 4, kernel: 3, padding: 1 };
    const [fields, products, y] = dispatchesOf((g, x) => conv2d(g, x, layer), 'conv2d_winograd');
    const named = [fields?.part, products?.part, y?.part];
    expect(named).toEqual(['x → fields', 'fields → products', 'products → y']);
    // F(2, 3): four tiles of 16 values a channel.
    expect(fields?.bytes).toBe(BYTES + 4 * 16 * 4 * 2);
    expect(y?.bytes).toBe(4 * 16 * 4 * 4 + 4 * 4 + 2 * BYTES);
  });
});
