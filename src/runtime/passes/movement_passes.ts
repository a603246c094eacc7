import { absorbAffine } from './absorb_affine.ts';
import { absorbPadding } from './absorb_padding.ts';
import type { Passes } from './passes.ts';
import { placeMoved } from './place_moved.ts';
import { sinkReshapes } from './sink_reshapes.ts';
import { sinkTransposes } from './sink_transposes.ts';

/**
 * Of networks that compute on what was moved: on maps whose channels are last, on tokens between reshapes and
 * transpositions. Pages whose models only flatten carry none of it.
 */
export const movementPasses: Passes = {
  'sink transposes': sinkTransposes,
  'absorb padding': absorbPadding,
  'sink reshapes': sinkReshapes,
  'absorb affine': absorbAffine,
  placeMoved,
};
