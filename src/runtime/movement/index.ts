export { beforeTransposition, inverse, isAscending, shapeBefore } from './before_transposition.ts';
export {
  DepthToSpace,
  Expand,
  Flatten,
  ShuffleChannels,
  SpaceToDepth,
  Squeeze,
  Unsqueeze,
} from './composites.ts';
export { indexMapInto, indexMapOf, viewBefore, viewOf } from './lowering.ts';
export { movedConstant } from './moved_constant.ts';
export { describeMovement, type Movement, mixesBatch, moved, movedShape } from './movement.ts';
export { Pad, Reshape, Slice, Tile, Transpose } from './primitives.ts';
