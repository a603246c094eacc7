import { checkArgument, isObject, ownValue } from './arguments.ts';
import { ShapeError } from './errors.ts';
import type { Activation, Graph, Input, Node, Value } from './graph.ts';
import { outputDesc } from './operator.ts';
import { type Shape, tensorDesc } from './tensor.ts';

/** What is usually meant by another size: of the batch, and of the images in it, square where one number is given. */
export interface BatchAndSize {
  /** Images at a time. */
  readonly batch?: number;
  /** Height and width, or one number for both. */
  readonly size?: number | readonly [height: number, width: number];
}

/** Shapes of inputs by name, or batch and size for all of them. */
export type NewShapes = Readonly<Record<string, Shape>> | BatchAndSize;

/** The shapes by name. An input that is itself called `batch` or `size` is meant by its name. */
export function shapesOf(graph: Graph, to: NewShapes): Readonly<Record<string, Shape>> {
  checkArgument(isObject(to), `resize "${graph.name}": to`, 'shapes by input', to);
  const images = graph.inputs.some(({ desc }) => desc.shape.length === 4);
  const known = images ? ['batch', 'size'] : ['batch'];
  const byName = Object.keys(to).some(
    (key) => graph.inputs.some(({ name }) => name === key) || !known.includes(key),
  );
  if (byName) return to as Readonly<Record<string, Shape>>;
  const { batch, size } = to as BatchAndSize;
  const image = typeof size === 'number' ? [size, size] : size;
  return Object.fromEntries(
    graph.inputs.map(({ name, desc: { shape } }) => {
      const [images = 1, ...rest] = shape;
      const resized = image && shape.length === 4 ? [rest[0] ?? 1, ...image] : rest;
      return [name, [batch ?? images, ...resized]];
    }),
  );
}

/**
 * The same network for inputs of other shapes; its weights stay the same objects. Throws ShapeError where
 * an operator cannot take what the new shapes lead to, or an input is not known.
 */
export function reshape(graph: Graph, shapes: Readonly<Record<string, Shape>>): Graph {
  for (const name of Object.keys(shapes)) {
    if (!graph.inputs.some((input) => input.name === name)) {
      throw new ShapeError(`graph "${graph.name}" has no input "${name}"`);
    }
  }
  const replaced = new Map<Value, Value>();
  const inputs = graph.inputs.map((input): Input => {
    const { name } = input;
    const shape = ownValue(shapes, name);
    const changed =
      shape === undefined ? input : { ...input, desc: tensorDesc(shape, `input "${name}"`) };
    replaced.set(input, changed);
    return changed;
  });
  const current = (value: Value): Value => replaced.get(value) ?? value;
  const nodes = graph.nodes.map((node): Node => {
    const entries = Object.entries(node.inputs).map(([role, value]) => [role, current(value)]);
    const call = { ...node, inputs: Object.fromEntries(entries) as Node['inputs'] };
    const desc = outputDesc(call);
    const output: Activation = { ...node.output, desc };
    replaced.set(node.output, output);
    return { ...call, output };
  });
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, current(value)]));
  return { name: graph.name, inputs, nodes, outputs };
}
