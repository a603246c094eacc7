/** Has convolutions read maps as they are, and zeros around them, where a node before them adds those zeros. */
import {
  type Conv2dAttributes,
  isConv2d,
  isRearrange,
  type RearrangeAttributes,
} from '../builtins.ts';
import type { Graph, Node } from '../graph.ts';
import { Pad } from '../movement/index.ts';
import { type Rewriter, rewritten } from './rewriter.ts';

export function absorbPadding(graph: Graph): Graph {
  return rewritten(graph, (rewriter, node) =>
    isConv2d(node) ? absorb(rewriter, node) : undefined,
  );
}

function absorb(rewriter: Rewriter, conv: Node<Conv2dAttributes>): Node | undefined {
  const { x } = conv.inputs;
  const padding = x && rewriter.soleProducer(x);
  const pad = padding && isRearrange(padding) ? zerosOf(padding) : undefined;
  const padded = padding?.inputs.x;
  if (!pad || !padded) return undefined;
  const [, , above = 0, left = 0] = pad.before;
  const [, , below = 0, right = 0] = pad.after;
  const own = conv.attributes.padding;
  const sides = {
    top: own.top + above,
    left: own.left + left,
    bottom: own.bottom + below,
    right: own.right + right,
  };
  return rewriter.replace(padding, conv, {
    ...conv,
    attributes: { ...conv.attributes, padding: sides },
    inputs: { ...conv.inputs, x: padded },
  });
}

/** The step of a node that adds zeros to height and width, and does nothing else. */
function zerosOf({ attributes: { steps } }: Node<RearrangeAttributes>): Pad | undefined {
  const [pad, ...others] = steps;
  if (!(pad instanceof Pad) || others.length > 0 || pad.value !== 0) return undefined;
  const [images, channels] = pad.before.map((amount, axis) => amount || pad.after[axis]);
  const adds = [...pad.before, ...pad.after].every((amount) => amount >= 0);
  return adds && !images && !channels ? pad : undefined;
}
