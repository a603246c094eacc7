import { element } from '../dom.ts';

/** Pixels of the longer side of what is drawn. */
export const LONGEST = 800;

/** A canvas for a picture that others draw over; in the form of most pictures, until there is one. */
export function pictureCanvas(): HTMLCanvasElement {
  return element('canvas', {
    class: 'picture-canvas',
    role: 'img',
    'aria-label': 'The picture',
    width: LONGEST,
    height: 500,
  });
}
