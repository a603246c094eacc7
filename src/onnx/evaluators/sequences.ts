/** Constants that a rule makes: ranges, and matrices of ones on a diagonal. */
import { elementCount } from '../../runtime/tensor.ts';
import { tabulated } from '../computed.ts';
import { demand } from '../errors.ts';
import type { Evaluators } from './evaluator.ts';

export const sequences: Evaluators = {
  /** From a first number up to a limit, which is not reached. */
  Range(call) {
    const [first = 0, limit = 0, delta = 0] = [0, 1, 2].flatMap((i) =>
      call.numbers(i, 'a bound', 1),
    );
    demand(delta !== 0, 'counts by 0');
    const count = Math.max(0, Math.ceil((limit - first) / delta));
    demand(Number.isSafeInteger(count), `counts from ${first} to ${limit} by ${delta}`);
    return tabulated([count], call.type(0), [], () => (i) => first + i * delta);
  },
  /** 1 for each index, along an axis of its own. */
  OneHot(call) {
    const indices = call.known(0);
    const [depth = 0] = call.numbers(1, 'the depth', 1);
    const [off = 0, on = 1] = call.numbers(2, 'the values', 2);
    const axis = call.axis(-1, indices.shape.length + 1);
    const shape = indices.shape.toSpliced(axis, 0, depth);
    const inner = elementCount(indices.shape.slice(axis));
    return tabulated(shape, call.type(2), [indices], (data) => (i) => {
      const index = data[Math.floor(i / inner / depth) * inner + (i % inner)] ?? 0;
      const place = Math.floor(i / inner) % depth;
      return (index < 0 ? index + depth : index) === place ? on : off;
    });
  },
};
