/** What is known of computed values, and constants out of attributes. */
import { elementCount, formatShape } from '../../runtime/tensor.ts';
import { filled, integers, tabulated } from '../computed.ts';
import { demand } from '../errors.ts';
import type { Importers } from '../import_node.ts';
import { typeOfAttribute } from '../result_type.ts';
import { constant } from '../tensor.ts';

export const importers: Importers = {
  Constant(call) {
    const tensor = call.tensor('value');
    if (tensor) return tensor;
    if (call.has('value_float')) return constant([], [call.float('value_float', 0)], 'float32');
    if (call.has('value_int')) return constant([], [call.int('value_int', 0)], 'int64');
    const floats = call.floats('value_floats');
    if (floats) return constant([floats.length], floats, 'float32');
    const list = call.ints('value_ints');
    demand(list, 'holds neither a tensor nor numbers');
    return integers(list);
  },
  Shape(call) {
    const end = call.has('end') ? call.int('end', 0) : undefined;
    return integers(call.shape(0).slice(call.int('start', 0), end));
  },
  Size: (call) => constant([], [elementCount(call.shape(0))], 'int64'),
  ConstantOfShape(call) {
    const shape = call.numbers(0, 'the shape');
    const given = call.tensor('value') ?? constant([1], [0], 'float32');
    const [value = 0] = given.numbers();
    return filled(shape, given.type, value);
  },
  /** Ones on a diagonal of a matrix of the input's shape. */
  EyeLike(call) {
    const shape = call.shape(0);
    const [rows, columns] = shape;
    demand(
      shape.length === 2 && rows !== undefined && columns !== undefined,
      `is of ${formatShape(shape)}; matrices are read`,
    );
    const offset = call.int('k', 0);
    const type = call.has('dtype') ? typeOfAttribute(call, 'dtype', 0) : call.type(0);
    return tabulated(
      shape,
      type,
      [],
      () => (i) => Number((i % columns) - Math.floor(i / columns) === offset),
    );
  },
};
