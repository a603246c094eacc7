/**
 * What onnxruntime's quantiser writes in its format QOperator: operators of the domain com.microsoft that take and make
 * quantised tensors, each with its scale and zero point after it.
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md)
 */
import type { Value } from '../../runtime/graph.ts';
import { demand } from '../errors.ts';
import {
  type ImportCall,
  type Imported,
  type Importer,
  type Importers,
  isValue,
  listed,
} from '../import_node.ts';
import { importers as concat } from './concat.ts';
import { importGemm } from './linear.ts';
import { importers as normalization } from './normalization.ts';
import { importers as pointwise } from './pointwise.ts';
import { importers as pool } from './pool.ts';
import { asFloats, centred, dequantize, quantizedAs, scaledBack } from './quantization.ts';

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
};
