/** Activations beside relu, element by element. */
import {
  ACTIVATION_THREADS,
  type ActivationKind,
  activation as shader,
} from '../../shaders/activation.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

/** The formula's parameters; what they mean is the activation's own. */
export interface ActivationAttributes {
  readonly a: number;
  readonly b: number;
}

/** The largest f32: no bound. */
export const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Adds min(max(x, least), most); either bound may be left out. */
export function clip(
  g: GraphBuilder,
  x: Value,
  { least = -LARGEST, most = LARGEST }: { readonly least?: number; readonly most?: number },
): Activation {
  const bound = (value: number) => Math.min(Math.max(value, -LARGEST), LARGEST);
  return g.add(clipOp, { a: bound(least), b: bound(most) }, { x });
}

/** Adds x, or slope * x where x < 0. */
export function leakyRelu(g: GraphBuilder, x: Value, slope = 0.01): Activation {
  return g.add(leakyReluOp, { a: slope, b: 0 }, { x });
}

/** Adds 1 / (1 + exp(-x)). */
export function sigmoid(g: GraphBuilder, x: Value): Activation {
  return g.add(sigmoidOp, { a: 0, b: 0 }, { x });
}

/** Adds min(max(slope * x + offset, 0), 1); x / 6 + 1 / 2 by default, as in PyTorch. */
export function hardSigmoid(g: GraphBuilder, x: Value, slope = 1 / 6, offset = 0.5): Activation {
  return g.add(hardSigmoidOp, { a: slope, b: offset }, { x });
}

/** Adds x * hardSigmoid(x). (Howard et al., "Searching for MobileNetV3", 2019.) */
export function hardSwish(g: GraphBuilder, x: Value): Activation {
  return g.add(hardSwishOp, { a: 1 / 6, b: 0.5 }, { x });
}

type Formula = (x: number, a: number, b: number) => number;

const clamp = (x: number, least: number, most: number): number =>
  Math.min(Math.max(x, least), most);

function activationOp(kind: ActivationKind, formula: Formula): OpDef<ActivationAttributes> {
  return {
    name: kind,
    inferShape(call) {
      const { a, b } = call.attributes;
      if (!Number.isFinite(a) || !Number.isFinite(b)) {
        throw shapeError(call, `its parameters must be finite, got ${a} and ${b}`);
      }
      return tensorDesc(inputShape(call, 'x'));
    },
    reference(node, inputs) {
      const { a, b } = node.attributes;
      return requireData(node, inputs, 'x').map((x) => formula(x, a, b));
    },
    multiplyAdds: () => 0,
    writesAnyShape: true,
    kernels: [
      pointwiseKernel(kind, (node: Node<ActivationAttributes>) => {
        const count = elementCount(node.output.desc.shape);
        const types = elementTypesOf(node, 'x');
        return {
          source: (grid, overwritten) =>
            shader({ kind, count, ...node.attributes, types }, grid, overwritten !== undefined),
          tiles: Math.ceil(count / ACTIVATION_THREADS),
          reads: ['x'],
          overwrites: ['x'],
        };
      }),
    ],
  };
}

export const clipOp = activationOp('clip', clamp);
export const leakyReluOp = activationOp('leaky_relu', (x, a) => (x < 0 ? a * x : x));
export const sigmoidOp = activationOp('sigmoid', (x) => 1 / (1 + Math.exp(-x)));
export const hardSigmoidOp = activationOp('hard_sigmoid', (x, a, b) => clamp(a * x + b, 0, 1));
export const hardSwishOp = activationOp('hard_swish', (x, a, b) => x * clamp(a * x + b, 0, 1));
