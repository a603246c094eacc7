/** conv2d_gather: convolutions either way from weights as they lie, which may be computed. */
import {
  CONV2D_GATHER_THREADS,
  type Conv2dGatherProblem,
  conv2dGather,
} from '../../../shaders/conv2d_gather.wgsl.ts';
import { operandBindings } from '../../../shaders/lib/epilogue.ts';
import { type Kernel, kernel, type NoConfig } from '../../runtime/kernel.ts';
import { elementTypesOf } from '../../runtime/operator.ts';
import { inOrder } from '../bindings.ts';
import type { Conv2d, Conv2dRole } from '../conv2d_problem.ts';
import { dispatchOf } from '../dispatch.ts';
import { costsOf } from './cost.ts';

/** How tensors are stored, the bias too. */
export function gatherTypesOf(node: Conv2d): Conv2dGatherProblem['types'] {
  const types = elementTypesOf(node, 'x', 'weight');
  return { ...types, bias: node.inputs.bias?.desc.dtype ?? 'f32' };
}

function elements(g: Conv2dGatherProblem): number {
  return g.batch * g.outputChannels * g.outputHeight * g.outputWidth;
}

/** Products of one output: of a transposed convolution on average, of taps that fall between the pixels none. */
function productsOf(g: Conv2dGatherProblem): number {
  const taps = g.kernel[0] * g.kernel[1];
  const spread = g.transposed ? g.stride[0] * g.stride[1] : 1;
  return (taps / spread) * (g.inputChannels / g.groups);
}

export const gather: Kernel<Conv2dGatherProblem> = kernel<Conv2dGatherProblem, NoConfig, string>({
  name: 'conv2d_gather',
  configs: () => [{}],
  cost(g, _config, device) {
    const { load, gather, store, dispatch } = costsOf(device);
    const taps = g.kernel[0] * g.kernel[1];
    const output = productsOf(g) * (load + gather) + taps * load + store;
    return dispatch + elements(g) * output;
  },
  lower(g, _config, device) {
    const bindings = inOrder<Conv2dRole>(['x', 'weight', g.bias ? 'bias' : null], 'y');
    const workgroups = Math.ceil(elements(g) / CONV2D_GATHER_THREADS);
    const dispatch = dispatchOf(
      device,
      workgroups,
      [...bindings, ...operandBindings(g.epilogue)],
      (grid) => ({ source: conv2dGather(g, grid) }),
    );
    return { dispatches: [dispatch] };
  },
});
