import { LONGEST, pictureCanvas } from '../../components/picture_canvas.ts';
import type { Detection } from '../../engine/calls.ts';

/** The golden angle: classes that follow one another differ most. */
export function colourOf(index: number): string {
  return `hsl(${Math.round((index * 137.508) % 360)} 75% 36%)`;
}

/** A picture with a frame around each thing in it. */
export class BoxCanvas {
  readonly element = pictureCanvas();
  #picture: ImageBitmap | undefined;

  /** Another picture, of which nothing is known so far. */
  put(picture: ImageBitmap): void {
    this.#picture = picture;
    // A small one is drawn large, so that frames and names are not.
    const scale = LONGEST / Math.max(picture.width, picture.height);
    this.element.width = Math.max(1, Math.round(picture.width * scale));
    this.element.height = Math.max(1, Math.round(picture.height * scale));
    this.draw([]);
  }

  draw(found: readonly Detection[]): void {
    const context = this.element.getContext('2d');
    if (!context || !this.#picture) return;
    const { width, height } = this.element;
    context.drawImage(this.#picture, 0, 0, width, height);
    const scale = width / this.#picture.width;
    context.lineWidth = 3;
    context.font = '600 15px system-ui, sans-serif';
    context.textBaseline = 'top';
    // The surest is drawn last, over the others.
    for (const one of found.toReversed()) drawFrame(context, one, scale, width);
    const things = found.map(({ label }) => label).join(', ');
    this.element.setAttribute(
      'aria-label',
      `The picture, with frames around: ${things || 'nothing'}`,
    );
  }
}

function drawFrame(
  context: CanvasRenderingContext2D,
  { class: index, label, box }: Detection,
  scale: number,
  width: number,
): void {
  const [x, y] = [box.left * scale, box.top * scale];
  context.strokeStyle = context.fillStyle = colourOf(index);
  context.strokeRect(x, y, box.width * scale, box.height * scale);
  // All of it is in the picture, though the thing may not be.
  const wide = context.measureText(label).width + 10;
  const left = Math.max(0, Math.min(x - 1.5, width - wide));
  const above = y >= 20 ? y - 20 : Math.max(0, y);
  context.fillRect(left, above, wide, 20);
  context.fillStyle = 'white';
  context.fillText(label, left + 5, above + 2);
}
