/** The table of operators that the runtime is given. */
import type { OpDef, OpTable } from '../runtime/operator.ts';
import { clipOp, hardSigmoidOp, hardSwishOp, leakyReluOp, sigmoidOp } from './activations.ts';
import { adaptiveAveragePool2dOp } from './adaptive_average_pool2d.ts';
import { addOp } from './add.ts';
import { batchNormOp } from './batch_norm.ts';
import { binaryOp } from './binary.ts';
import { concatOp } from './concat.ts';
import { conv2dOp } from './conv2d.ts';
import { convertOp } from './convert.ts';
import { flattenOp } from './flatten.ts';
import { linearOp } from './linear.ts';
import { localResponseNormOp } from './local_response_norm.ts';
import { matmulOp } from './matmul.ts';
import { pad2dOp } from './pad2d.ts';
import { averagePool2dOp, maxPool2dOp } from './pool2d.ts';
import { reduceOp } from './reduce.ts';
import { reluOp } from './relu.ts';
import { reshapeOp } from './reshape.ts';
import { resize2dOp } from './resize2d.ts';
import { softmaxOp } from './softmax.ts';
import { topKOp } from './top_k.ts';

const all: readonly OpDef[] = [
  conv2dOp,
  maxPool2dOp,
  averagePool2dOp,
  adaptiveAveragePool2dOp,
  batchNormOp,
  addOp,
  reluOp,
  linearOp,
  softmaxOp,
  flattenOp,
  concatOp,
  resize2dOp,
  clipOp,
  leakyReluOp,
  sigmoidOp,
  hardSigmoidOp,
  hardSwishOp,
  binaryOp,
  matmulOp,
  reduceOp,
  localResponseNormOp,
  pad2dOp,
  reshapeOp,
  convertOp,
  topKOp,
];

/** Every operator, by name. */
export const operators: OpTable = new Map(all.map((op) => [op.name, op]));
