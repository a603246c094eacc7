/**
 * Every operator that is read, in each form that the operator sets from 7 on have given it, beside results worked out
 * by hand; onnxruntime must agree with these, where it is installed.
 */
import { describe, expect, it } from 'vitest';
import { checkNodeCase, inOperatorSets } from '../../test/fixtures/onnx_node_cases.ts';
import { alongAxesCases } from '../../test/fixtures/onnx_operator_cases/along_axes.ts';
import { attentionCases } from '../../test/fixtures/onnx_operator_cases/attention.ts';
import { constantCases } from '../../test/fixtures/onnx_operator_cases/constants.ts';
import { convolutionCases } from '../../test/fixtures/onnx_operator_cases/convolutions.ts';
import { gatherScatterCases } from '../../test/fixtures/onnx_operator_cases/gather_scatter.ts';
import { matrixProductCases } from '../../test/fixtures/onnx_operator_cases/matrix_products.ts';
import { microsoftCases } from '../../test/fixtures/onnx_operator_cases/microsoft.ts';
import { movementCases } from '../../test/fixtures/onnx_operator_cases/movement.ts';
import { normalizationCases } from '../../test/fixtures/onnx_operator_cases/normalizations.ts';
import { pointwiseCases } from '../../test/fixtures/onnx_operator_cases/pointwise.ts';
import { poolCases } from '../../test/fixtures/onnx_operator_cases/pools.ts';
import { quantizedCases } from '../../test/fixtures/onnx_operator_cases/quantized.ts';
import { recurrentCases } from '../../test/fixtures/onnx_operator_cases/recurrent.ts';
import { resizingCases } from '../../test/fixtures/onnx_operator_cases/resizing.ts';
import { samplingCases } from '../../test/fixtures/onnx_operator_cases/sampling.ts';
import { volumeCases } from '../../test/fixtures/onnx_operator_cases/volumes.ts';
import { subjectOf } from './domain.ts';
import { importers } from './operators/importers.ts';

const cases = [
  ...[...convolutionCases, ...poolCases, ...volumeCases, ...normalizationCases],
  ...[...pointwiseCases, ...matrixProductCases, ...resizingCases, ...alongAxesCases],
  ...[...movementCases, ...samplingCases, ...gatherScatterCases],
  ...[...quantizedCases, ...constantCases, ...recurrentCases, ...microsoftCases, ...attentionCases],
];

describe('loadOnnx', () => {
  it('is checked in every operator that it knows', () => {
    const named = ({ opType = '', domain = '' }) => subjectOf({ opType, domain });
    const seen = new Set(cases.flatMap(({ nodes = [] }) => nodes.map(named)));
    expect([...importers.keys()].filter((opType) => !seen.has(opType))).toEqual([]);
  });

  it.each(inOperatorSets(cases))('reads %s of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});
