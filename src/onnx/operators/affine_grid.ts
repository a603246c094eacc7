/** AffineGrid: where each pixel of an image comes from, by a matrix for each image. (Jaderberg et al., 2015.) */
import { matmul } from '../../layers/matmul.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
import { elementCount, formatShape, positionOf, type Shape } from '../../runtime/tensor.ts';
import { computed } from '../computed.ts';
import { demand } from '../errors.ts';
import type { OperatorRows } from '../exporter.ts';
import type { Constant } from '../tensor.ts';

/** The coordinates of all pixels, the innermost axis first, and a 1: [pixels, axes + 1]. From -1 to 1 along each. */
function pixels(extents: Shape, alignCorners: boolean): Constant {
  const columns = extents.length + 1;
  const at = (i: number, extent: number) => {
    if (!alignCorners) return (2 * i + 1) / extent - 1;
    return extent === 1 ? 0 : (2 * i) / (extent - 1) - 1;
  };
  return computed([elementCount(extents), columns], 'float32', [], () => {
    const result = new Float32Array(elementCount(extents) * columns).fill(1);
    for (let pixel = 0; pixel < elementCount(extents); pixel++) {
      for (const [axis, i] of positionOf(pixel, extents).entries()) {
        result[pixel * columns + extents.length - 1 - axis] = at(i, extents[axis] ?? 1);
      }
    }
    return result;
  });
}

export const affineGrid: OperatorRows = {
  importers: {
    AffineGrid(call) {
      const theta = call.value(0);
      const size = call.numbers(1, 'the size');
      const [batch = 1, , ...extents] = size;
      const wanted = [batch, extents.length, extents.length + 1];
      const fits = formatShape(theta.desc.shape) === formatShape(wanted);
      const [shown, given] = [formatShape(size), formatShape(theta.desc.shape)];
      demand(fits, `size ${shown} takes matrices ${formatShape(wanted)}, got ${given}`);
      const grid = pixels(extents, call.flag('align_corners'));
      const base = call.place.weight({ ...grid, name: `${call.name}.pixels` });
      const moved = matmul(call.g.at('moved'), base, theta, { transposeB: true });
      return reshapeTo(call.g, moved, [batch, ...extents, extents.length]);
    },
  },
};
