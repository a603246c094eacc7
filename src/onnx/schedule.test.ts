import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type GraphInit, readGraph } from '../../test/fixtures/onnx_model.ts';
import { AttributeProtoSchema, GraphProtoSchema } from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { namesFromOutside, visitInOrder } from './schedule.ts';

/** Nodes as `a b -> c d`; `_` is a value of no name. */
function nodesOf(...texts: string[]) {
  const names = (list = '') =>
    list.split(' ').flatMap((name) => (name === '' ? [] : [name === '_' ? '' : name]));
  return texts.map((text) => {
    const [input, output] = text.split('->').map((side) => names(side.trim()));
    return { name: text, opType: 'Op', input: input ?? [], output: output ?? [] };
  });
}

function orderOf(outputs: string, nodes: readonly string[], given: readonly string[] = []) {
  const visited: string[] = [];
  const output = outputs.split(' ').map((name) => ({ name }));
  visitInOrder(
    readGraph({ node: nodesOf(...nodes), output }),
    new Set(given),
    ({ input }) => input,
    ({ name }) => visited.push(name),
  );
  return visited;
}

describe('visitInOrder', () => {
  it.each<[what: string, outputs: string, nodes: readonly string[], expected: readonly string[]]>([
    ['nodes after what they read', 'c', ['b -> c', 'a -> b', '-> a'], ['-> a', 'a -> b', 'b -> c']],
    ['what is read first, first', 'd', ['b a -> d', '-> a', '-> b'], ['-> b', '-> a', 'b a -> d']],
    ['outputs in their order', 'b a', ['-> a', '-> b'], ['-> b', '-> a']],
    [
      'what two read once',
      'd',
      ['-> a', 'a -> b', 'a -> c', 'b c -> d'],
      ['-> a', 'a -> b', 'a -> c', 'b c -> d'],
    ],
    ['nothing that no output needs', 'a', ['x -> a', 'x -> b'], ['x -> a']],
    ['a node of several outputs once', 'b a', ['x -> a b'], ['x -> a b']],
    ['nodes whose outputs have no name', 'a b', ['_ -> a _', '_ -> _ b'], ['_ -> a _', '_ -> _ b']],
    ['an output that is an input', 'x a', ['x -> a'], ['x -> a']],
  ])('visits %s', (_, outputs, nodes, expected) => {
    expect(orderOf(outputs, nodes, ['x'])).toEqual(expected);
  });

  it('asks again what a node reads when that has been visited', () => {
    const visited: string[] = [];
    const graph = readGraph({
      node: nodesOf('condition -> y', '-> condition', '-> branch'),
      output: [{ name: 'y' }],
    });
    visitInOrder(
      graph,
      new Set(),
      ({ output, input }) =>
        output.includes('y') && visited.includes('-> condition') ? [...input, 'branch'] : input,
      ({ name }) => visited.push(name),
    );
    expect(visited).toEqual(['-> condition', '-> branch', 'condition -> y']);
  });

  it.each<[nodes: readonly string[], message: string]>([
    [['a -> a'], 'value "a" depends on itself'],
    [['b -> a', 'a -> b'], 'value "a" depends on itself'],
    [['b -> a', 'c -> b', 'x b -> c'], 'value "b" depends on itself'],
    [['-> a', '-> a'], 'value "a" is made twice'],
    [['-> a a'], 'value "a" is made twice'],
    [['-> a', '-> x'], 'value "x" is made twice'],
  ])('refuses %o', (nodes, message) => {
    expect(() => orderOf('a', nodes, ['x'])).toThrow(
      expect.objectContaining({ name: 'OnnxError', message }),
    );
  });
});

describe('namesFromOutside', () => {
  const graph = readGraph;

  it('are those that a graph reads and does not make', () => {
    const init: GraphInit = {
      node: nodesOf('i w outer _ -> a', 'a outer second -> y'),
      initializer: [{ name: 'w' }],
      input: [{ name: 'i' }],
      output: [{ name: 'y' }, { name: 'passed' }],
    };
    expect(namesFromOutside(graph(init))).toEqual(['outer', 'second', 'passed']);
  });

  it('are also those of the graphs in it, but for what is around these', () => {
    const g = create(GraphProtoSchema, { node: nodesOf('a far -> b'), output: [{ name: 'b' }] });
    const attribute = [create(AttributeProtoSchema, { name: 'body', g })];
    const [made = {}, loop = {}] = nodesOf('-> a', 'a near -> y');
    const around = graph({ node: [made, { ...loop, attribute }], output: [{ name: 'y' }] });
    expect(namesFromOutside(around)).toEqual(['near', 'far']);
  });
});
