import { type Shape, ShapeError } from '../../src/index.ts';
import type { FeatureMaps } from '../engine/calls.ts';

/** A layer's output, [1, C, H, W] or [1, C], as small pictures: one scale for all its maps, zero stays zero. */
export function featureMapsOf(layer: string, shape: Shape, data: Float32Array): FeatureMaps {
  const [batch = 0, channels = 0, height = 1, width = 1] = shape;
  if (batch !== 1 || data.length !== channels * height * width) {
    throw new ShapeError(`feature maps of "${layer}": expected one image of [${shape}]`);
  }
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = largest > 0 ? 127 / largest : 0;
  const values = Int8Array.from(data, (value) => Math.round(value * scale));
  return { layer, channels, height, width, largest, values };
}
