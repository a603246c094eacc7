import { absorbBias } from './absorb_bias.ts';
import type { Passes } from './passes.ts';
import { placeMoved } from './place_moved.ts';
import { sinkReshapes } from './sink_reshapes.ts';

/**
 * Of networks that compute on tokens between reshapes and transpositions, as attention does. Pages whose models only
 * flatten carry none of it.
 */
export const tokenPasses: Passes = {
  'sink reshapes': sinkReshapes,
  'absorb bias': absorbBias,
  placeMoved,
};
