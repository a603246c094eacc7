import { describe, expect, it } from 'vitest';
import { apply, operand } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { graphOf, weightsFrom } from '../../../test/fixtures/build_one.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { operators } from '../../layers/index.ts';
import { linear } from '../../layers/linear.ts';
import { references } from '../../layers/references.ts';
import { runReference } from '../../reference.ts';
import { RESULT, type Weight } from '../graph.ts';
import { tensorDesc } from '../tensor.ts';
import { syntheticWeights } from '../weights/synthetic.ts';

describe('runReference', () => {
  it('gives every value of the graph, the inputs too', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 2]);
      return add(g.at('sum'), relu(g.at('relu'), x), x);
    });
    const values = runReference(graph, syntheticWeights([]), {
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
    const values = runReference(graph, weights, { x: Float32Array.of(1, 2 ** -40) });
    expect(y && values.get(y)).toEqual(Float64Array.of(1 + 2 ** -40));
  });

  it('names an input that is missing', () => {
    const graph = graphOf((g) => relu(g, g.input('x', [1, 2])));
    expect(() => runReference(graph, syntheticWeights([]), {})).toThrow(
      'input "x" of "test" must be a Float32Array of 2 values [1, 2], got undefined',
    );
  });

  it.each([
    [new Float32Array(9), 'Float32Array of 9'],
    [new Float64Array(2), 'Float64Array of 2'],
    [[1, 2], 'Array of 2'],
  ])('refuses an input that is not what its shape says', (x, got) => {
    const graph = graphOf((g) => relu(g, g.input('x', [1, 2])));
    const inputs = { x: x as Float32Array };
    expect(() => runReference(graph, syntheticWeights([]), inputs)).toThrow(
      `input "x" of "test" must be a Float32Array of 2 values [1, 2], got ${got}`,
    );
  });

  it('computes an epilogue after its node', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 2]);
      return linear(g.at('fc'), x, { features: 1, bias: false });
    });
    const [fc] = graph.nodes;
    const x = graph.inputs[0];
    if (!fc || !x) throw new Error('the graph is empty');
    const epilogue = apply(f.mul, operand(RESULT), operand('operand0'));
    const node = { ...fc, epilogue, inputs: { ...fc.inputs, operand0: THREE } };
    const weights = weightsFrom({ 'fc.weight': Float32Array.of(1, 1), three: Float32Array.of(3) });
    const values = runReference({ ...graph, nodes: [node] }, weights, { x: Float32Array.of(1, 4) });
    expect(values.get(node.output)).toEqual(Float64Array.of(15));
  });

  it('names a value that is read before it is computed', () => {
    const graph = graphOf((g) => relu(g, relu(g.at('first'), g.input('x', [1, 2]))));
    const turned = { ...graph, nodes: graph.nodes.toReversed() };
    const x = new Float32Array(2);
    expect(() => runReference(turned, syntheticWeights([]), { x })).toThrow(
      '"first" is read before it is computed',
    );
  });
});

describe('references', () => {
  it('has all operators', () => {
    expect(Object.keys(references).sort()).toEqual(operators.map(({ name }) => name).sort());
  });
});

const THREE: Weight = { kind: 'weight', name: 'three', desc: tensorDesc([1]) };
