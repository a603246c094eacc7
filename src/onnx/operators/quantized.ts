/**
 * What onnxruntime's quantiser writes: operators of the domain com.microsoft that take and make quantised tensors, each
 * with its scale and zero point after it, in its format QOperator, and recurrent layers with quantised weights.
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md)
 */
import type { Value } from '../../runtime/graph.ts';
import { elementCount, formatShape } from '../../runtime/tensor.ts';
import { tabulated } from '../computed.ts';
import { demand } from '../errors.ts';
import {
  type ImportCall,
  type Imported,
  type Importer,
  type Importers,
  isValue,
  listed,
  type Operand,
} from '../import_node.ts';
import type { Constant } from '../tensor.ts';
import { importers as concat } from './concat.ts';
import { importGemm } from './linear.ts';
import { importers as normalization } from './normalization.ts';
import { importers as pointwise } from './pointwise.ts';
import { importers as pool } from './pool.ts';
import { asFloats, centred, dequantize, quantizedAs, scaledBack } from './quantization.ts';
import { importers as recurrent } from './recurrent.ts';

/** The only layer that an importer of floats makes. */
function only(made: Imported | readonly Imported[]): Value {
  const [first] = listed(made);
  demand(first && isValue(first), 'is of constants alone');
  return first;
}

/** An operator of floats on tensors that begin at these inputs; the scale of its result is another. */
function ofFloats(
  importer: Importer | undefined,
  tensors: (call: ImportCall) => readonly number[],
  result: number,
): Importer {
  return (call) => {
    demand(importer, 'has no operator of floats');
    demand(!call.flag('channels_last'), 'channels come last; they are read after the batch');
    const places = tensors(call);
    const inputs = places.map((at, i) => {
      const place = { g: call.g.at(`input${i}`), inputs: call.inputs.slice(at, at + 3) };
      return { value: dequantize(call.with(place)), type: 'float32' as const };
    });
    // Softmax says which operator set it is of; its axis is the last by default, whichever that is.
    const opset = call.has('axis') ? call.int('opset', call.opset) : Math.max(call.opset, 13);
    const y = only(importer(call.with({ g: call.g.at('floats'), inputs, opset })));
    return quantizedAs(call, y, result, call.type(places[0] ?? 0));
  };
}

const ofOne = (importer: Importer | undefined): Importer => ofFloats(importer, () => [0], 3);
const ofTwo = (importer: Importer | undefined): Importer => ofFloats(importer, () => [0, 3], 6);

/** A triple for each part, after the scale and the zero point of the result. */
function partsOf({ inputs }: ImportCall): readonly number[] {
  return [...inputs.keys()].filter((at) => at % 3 === 2);
}

/** A B + C, of which C is quantised by the product of the scales of A and B; in floats where no zero point is given. */
function product(call: ImportCall): Value {
  const alpha = call.float('alpha', 1);
  demand(alpha === 1, `alpha is ${alpha}; 1 is read`);
  const axis = call.flag('transB') ? 0 : -1;
  const factors = [centred(call, 0, 2, -2), centred(call, 3, 5, axis)];
  const y = scaledBack(call, asFloats(call, importGemm, [...factors, call.inputs[6]]));
  return call.inputs[8] ? quantizedAs(call, y, 7) : y;
}

/** Of a matrix [directions, inputs, features] of integers, the floats [directions, features, inputs]. */
function widened(call: ImportCall, index: number, scale: number, what: string): Operand {
  const [matrix, scales, zeros] = [index, scale, scale + 1].map((at) =>
    call.known(at, `the ${what}`),
  ) as [Constant, Constant, Constant];
  const [directions = 1, inputs = 1, features = 1] = matrix.shape;
  demand(
    matrix.shape.length === 3,
    `the ${what} are ${formatShape(matrix.shape)}; three axes are read`,
  );
  for (const { shape } of [scales, zeros]) {
    const fits = [directions, directions * features].includes(elementCount(shape));
    demand(
      fits,
      `scales or zero points ${formatShape(shape)} do not fit ${formatShape(matrix.shape)}`,
    );
  }
  const placeIn = ({ shape }: Constant) => (elementCount(shape) === directions ? features : 1);
  const [perScale, perZero] = [placeIn(scales), placeIn(zeros)];
  const turned = [directions, features, inputs];
  const floats = tabulated(
    turned,
    'float32',
    [matrix, scales, zeros],
    (q, scaleOf, zeroOf) => (i) => {
      const row = Math.floor(i / inputs);
      const direction = Math.floor(row / features);
      const from = (direction * inputs + (i % inputs)) * features + (row % features);
      const zero = zeroOf[Math.floor(row / perZero)] ?? 0;
      return ((q[from] ?? 0) - zero) * (scaleOf[Math.floor(row / perScale)] ?? 0);
    },
  );
  return { constant: { ...floats, name: `${matrix.name || call.name} ${what}` }, type: 'float32' };
}

/** With quantised weights; what they are multiplied by is not quantised on the way, which is nearer to the floats. */
const lstm: Importer = (call) => {
  demand(recurrent.LSTM, 'has no operator of floats');
  const weights = [widened(call, 1, 8, 'weights'), widened(call, 2, 10, 'recurrent weights')];
  return recurrent.LSTM(
    call.with({ inputs: [call.inputs[0], ...weights, ...call.inputs.slice(3, 8)] }),
  );
};

export const importers: Importers = {
  'com.microsoft.QLinearAdd': ofTwo(pointwise.Add),
  'com.microsoft.QLinearMul': ofTwo(pointwise.Mul),
  'com.microsoft.QLinearSigmoid': ofOne(pointwise.Sigmoid),
  'com.microsoft.QLinearLeakyRelu': ofOne(pointwise.LeakyRelu),
  'com.microsoft.QLinearSoftmax': ofOne(normalization.Softmax),
  'com.microsoft.QLinearAveragePool': ofOne(pool.AveragePool),
  'com.microsoft.QLinearGlobalAveragePool': ofOne(pool.GlobalAveragePool),
  'com.microsoft.QLinearConcat': ofFloats(concat.Concat, partsOf, 0),
  'com.microsoft.QGemm': product,
  'com.microsoft.DynamicQuantizeLSTM': lstm,
};
