import { describe, expect, it } from 'vitest';
import { graphOf, weightsFrom } from '../../../test/fixtures/build_one.ts';
import { add } from '../../layers/add.ts';
import { operators } from '../../layers/index.ts';
import { linear } from '../../layers/linear.ts';
import { relu } from '../../layers/relu.ts';
import { syntheticWeights } from '../weights/synthetic.ts';
import { runReference } from './run_reference.ts';

describe('runReference', () => {
  it('gives every value of the graph, the inputs too', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 2]);
      return add(g.at('sum'), relu(g.at('relu'), x), x);
    });
    const values = runReference(graph, operators, syntheticWeights([]), {
      x: Float32Array.of(-1, 2),
    });
    const byName = Object.fromEntries([...values].map(([{ name }, data]) => [name, [...data]]));
    expect(byName).toEqual({ x: [-1, 2], relu: [0, 2], sum: [-1, 4] });
  });

  it('computes in f64', () => {
    const graph = graphOf((g) =>
      linear(g.at('fc'), g.input('x', [1, 2]), { features: 1, bias: false }),
    );
    const weights = weightsFrom({ 'fc.weight': Float32Array.of(1, 1) });
    const [y] = graph.outputs.values();
    const values = runReference(graph, operators, weights, { x: Float32Array.of(1, 2 ** -40) });
    expect(y && values.get(y)).toEqual(Float64Array.of(1 + 2 ** -40));
  });

  it('names an input that is missing', () => {
    const graph = graphOf((g) => relu(g, g.input('x', [1, 2])));
    expect(() => runReference(graph, operators, syntheticWeights([]), {})).toThrow(
      'graph "test" needs the input "x"',
    );
  });

  it('knows only the operators that it is given', () => {
    const graph = graphOf((g) => relu(g.at('act'), g.input('x', [1, 2])));
    expect(() =>
      runReference(graph, new Map(), syntheticWeights([]), { x: new Float32Array(2) }),
    ).toThrow('relu "act": unknown operator');
  });
});
