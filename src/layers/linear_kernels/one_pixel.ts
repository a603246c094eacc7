/**
 * Convolutions of maps of one pixel, such as the two of squeeze-and-excitation, are matrices times vectors: linear_gemv
 * computes them where they lie. The node stays a convolution, with its name, its epilogue and its views, and has one
 * kernel more. The mean of a map brings this, since that is where maps of one pixel come from: a page of convolutions
 * alone does not carry the kernel.
 */
import type { LinearProblem } from '../../../shaders/linear.wgsl.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import type { Graph, Node, OpDef } from '../../runtime/graph.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import { candidatesOf, inputShape } from '../../runtime/operator.ts';
import { nchw } from '../../runtime/tensor.ts';
import type { Conv2d, Conv2dAttributes } from '../conv2d_problem.ts';
import { problemOn } from '../linear_problem.ts';
import { gemv } from './gemv.ts';

/** Gives such convolutions linear's kernel for few images. */
export function onePixelAsLinear(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) =>
    isConv2d(node) && isOfOnePixel(node) ? { ...node, op: withGemv(node.op) } : node,
  );
  return { ...graph, nodes };
}

/** A convolution operator that tries linear_gemv first, where that suits x and device. */
export function withGemv(op: OpDef<Conv2dAttributes>): OpDef<Conv2dAttributes> {
  return {
    ...op,
    candidates: (node, device) => [...gemvOf(node, device), ...op.candidates(node, device)],
  };
}

/**
 * CPU adapters have the channels of several images apart, as rows, which conv2d_direct reads by wide loads: linear_gemv
 * takes a fifth to a third longer for 4 images.
 */
function suits({ xStrides }: LinearProblem, device: DeviceProfile): boolean {
  return kindOf(device) === 'gpu' || xStrides.channel === 1;
}

const preferred: Kernel<LinearProblem> = (g, device) =>
  gemv(g, device).map((candidate) =>
    suits(g, device) ? { ...candidate, prefers: kindOf(device) } : candidate,
  );

const gemvOf = candidatesOf(
  (node: Conv2d, epilogue): LinearProblem => {
    const { batch, channels } = nchw(inputShape(node, 'x'));
    return problemOn(node, epilogue, [batch, channels]);
  },
  [preferred],
);

function isConv2d(node: Node): node is Node<Conv2dAttributes> {
  return node.op.name === 'conv2d';
}

/** Whether every output is the sum over the channels of the first pixel of x. */
function isOfOnePixel({ attributes, output }: Node<Conv2dAttributes>): boolean {
  const { kernel, padding, groups } = attributes;
  const { height, width } = nchw(output.desc.shape);
  const extents = [...kernel, height, width, groups];
  return padding.top + padding.left === 0 && extents.every((extent) => extent === 1);
}
