/** Sampling of maps at places or in regions that are computed: GridSample, AffineGrid, RoiAlign. */
import { gridSample, gridSampleOp } from '../../layers/grid_sample.ts';
import { matmul } from '../../layers/matmul.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
import { roiAlign, roiAlignOp } from '../../layers/roi_align.ts';
import type { Value } from '../../runtime/graph.ts';
import {
  elementCount,
  formatShape,
  positionOf,
  type Shape,
  tensorDesc,
} from '../../runtime/tensor.ts';
import { MOST_MADE } from '../bounds.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importers } from '../import_node.ts';
import { DataType as Type } from '../schema/enums.ts';

const FILTERS = {
  linear: 'linear',
  bilinear: 'linear',
  nearest: 'nearest',
  cubic: 'cubic',
  bicubic: 'cubic',
} as const;

function importGridSample(call: ImportCall): Value {
  const filters = ['linear', 'bilinear', 'nearest', 'cubic', 'bicubic'] as const;
  return gridSample(call.g, call.value(0), call.value(1), {
    filter: FILTERS[call.choice('mode', ...filters)],
    padding: call.choice('padding_mode', 'zeros', 'border', 'reflection'),
    alignCorners: call.flag('align_corners'),
  });
}

/** A matrix of all places, with a last column of ones, times the transposed matrices of theta. */
function importAffineGrid(call: ImportCall): Value {
  const [batch = 0, , ...extents] = call.numbers(1, 'the size');
  const theta = call.value(0);
  const { shape } = theta.desc;
  const axes = extents.length;
  const fits = (axes === 2 || axes === 3) && shape[0] === batch && shape[1] === axes;
  demand(
    fits && shape[2] === axes + 1,
    `theta ${formatShape(shape)} makes no grid of [${call.numbers(1, 'the size')}]`,
  );
  const places = placesOf(call, extents, call.flag('align_corners'));
  const grid = matmul(call.g.at('places'), places, theta, { transposeB: true });
  return reshapeTo(call.g, grid, [-1, ...extents, axes]);
}

function placesOf(call: ImportCall, extents: Shape, alignCorners: boolean): Value {
  const valid = extents.every((extent) => Number.isSafeInteger(extent) && extent >= 1);
  const count = elementCount(extents);
  demand(
    valid && count <= MOST_MADE,
    `a grid of [${extents}] is computed; at most ${MOST_MADE} places are`,
  );
  const columns = extents.length + 1;
  const along = (i: number, extent: number): number => {
    if (alignCorners) return extent === 1 ? 0 : (2 * i) / (extent - 1) - 1;
    return (2 * i + 1) / extent - 1;
  };
  return {
    kind: 'derived',
    name: `${call.name} places`,
    desc: tensorDesc([count, columns]),
    sources: [],
    compute() {
      const places = new Float32Array(count * columns).fill(1);
      for (let place = 0; place < count; place++) {
        // A place has the last axis first.
        for (const [axis, i] of positionOf(place, extents).entries()) {
          places[(place + 1) * columns - 2 - axis] = along(i, extents[axis] ?? 1);
        }
      }
      return places;
    },
  };
}

function importRoiAlign(call: ImportCall): Value {
  const before = call.opset < 16 ? 'output_half_pixel' : 'half_pixel';
  const mode = call.choice(
    'coordinate_transformation_mode',
    before,
    'half_pixel',
    'output_half_pixel',
  );
  return roiAlign(call.g, call.value(0), call.value(1), call.value(2), {
    mode: call.choice('mode', 'avg', 'max'),
    size: [call.int('output_height', 1), call.int('output_width', 1)],
    samples: call.int('sampling_ratio', 0),
    scale: call.float('spatial_scale', 1),
    halfPixel: mode === 'half_pixel',
  });
}

export const importers: Importers = {
  GridSample: importGridSample,
  AffineGrid: importAffineGrid,
  RoiAlign: importRoiAlign,
};

export const exporters: Exporters = [
  exporter(gridSampleOp, (node, writer) => {
    const { filter, padding, alignCorners } = node.attributes;
    // Volumes came with 20, which also renamed the filters but for the default, linear, and the nearest.
    if (node.output.desc.shape.length > 4 || filter === 'cubic') writer.requireOpset(20);
    writer.layer(node, 'GridSample', read(writer, node, 'x', 'grid'), {
      ...(filter !== 'linear' && { mode: { string: filter } }),
      padding_mode: { string: padding },
      align_corners: { int: alignCorners },
    });
  }),
  exporter(roiAlignOp, (node, writer) => {
    const { size, mode, scale, samples, halfPixel } = node.attributes;
    const [indices = ''] = read(writer, node, 'batch_indices');
    const whole = writer.step(node, 'Cast', [indices], { to: { int: Type.INT64 } });
    writer.layer(node, 'RoiAlign', [...read(writer, node, 'x', 'rois'), whole], {
      coordinate_transformation_mode: { string: halfPixel ? 'half_pixel' : 'output_half_pixel' },
      mode: { string: mode },
      output_height: { int: size[0] },
      output_width: { int: size[1] },
      sampling_ratio: { int: samples },
      spatial_scale: { float: scale },
    });
  }),
];
