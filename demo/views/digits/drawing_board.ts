import { element } from '../../dom.ts';

/** Pixels of the board's own picture; on the page it is as large as there is room. */
const SIDE = 280;
const PEN_WIDTH = 22;
const PAPER = '#16181f';
const INK = '#ffffff';
/** Of the pen that is moved by arrow keys. */
const KEY_STEP = 14;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What was put on the board, in order: taking the last away is undoing. */
type Mark =
  | { readonly kind: 'stroke'; readonly points: Point[] }
  | { readonly kind: 'picture'; readonly image: CanvasImageSource };

/** A board to draw on with mouse, pen, finger or arrow keys. */
export class DrawingBoard {
  readonly element = element('canvas', {
    class: 'board',
    width: SIDE,
    height: SIDE,
    tabindex: 0,
    role: 'application',
    'aria-label':
      'Drawing board. Draw a digit with mouse, pen or finger; or move with the arrow keys, and press space to put the pen down or lift it.',
  });
  readonly #context: CanvasRenderingContext2D;
  readonly #onChange: () => void;
  readonly #marks: Mark[] = [];
  #pointer: number | undefined;
  /** The pen of the keyboard: where it is, and whether it draws. */
  #pen: (Point & { readonly down: boolean }) | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    const context = this.element.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('this browser draws on no canvas');
    this.#context = context;
    this.#listen();
    this.#redraw();
  }

  get empty(): boolean {
    return this.#marks.length === 0;
  }

  /** A copy of what is on the board. */
  pixels(): ImageData {
    return this.#context.getImageData(0, 0, SIDE, SIDE);
  }

  /** Replaces all that is there by a picture. */
  put(image: CanvasImageSource): void {
    this.#marks.splice(0, Number.POSITIVE_INFINITY, { kind: 'picture', image });
    this.#change();
  }

  clear(): void {
    this.#marks.length = 0;
    this.#change();
  }

  undo(): void {
    this.#marks.pop();
    this.#change();
  }

  #listen(): void {
    const board = this.element;
    board.addEventListener('pointerdown', (event) => {
      if (this.#pointer !== undefined || event.button !== 0) return;
      this.#pointer = event.pointerId;
      board.setPointerCapture(event.pointerId);
      this.#pen = undefined;
      this.#begin(this.#place(event));
    });
    board.addEventListener('pointermove', (event) => {
      if (event.pointerId !== this.#pointer) return;
      // What happened between two frames, so that fast strokes stay round.
      const moves = event.getCoalescedEvents();
      for (const move of moves.length > 0 ? moves : [event]) this.#extend(this.#place(move));
      this.#change();
    });
    const lift = (event: PointerEvent): void => {
      if (event.pointerId === this.#pointer) this.#pointer = undefined;
    };
    board.addEventListener('pointerup', lift);
    board.addEventListener('pointercancel', lift);
    board.addEventListener('keydown', (event) => this.#key(event));
    board.addEventListener('blur', () => {
      this.#pen = undefined;
      this.#redraw();
    });
  }

  #key(event: KeyboardEvent): void {
    const directions: Readonly<Record<string, Point>> = {
      ArrowLeft: { x: -1, y: 0 },
      ArrowRight: { x: 1, y: 0 },
      ArrowUp: { x: 0, y: -1 },
      ArrowDown: { x: 0, y: 1 },
    };
    const pen = this.#pen ?? { x: SIDE / 2, y: SIDE / 4, down: false };
    const direction = directions[event.key];
    if (event.key === ' ') {
      this.#pen = { ...pen, down: !pen.down };
      if (this.#pen.down) this.#begin(pen);
    } else if (direction) {
      const x = clamp(pen.x + KEY_STEP * direction.x);
      const y = clamp(pen.y + KEY_STEP * direction.y);
      this.#pen = { x, y, down: pen.down };
      if (pen.down) this.#extend({ x, y });
    } else return;
    event.preventDefault();
    this.#change();
  }

  #begin(point: Point): void {
    this.#marks.push({ kind: 'stroke', points: [point] });
    this.#change();
  }

  #extend(point: Point): void {
    const mark = this.#marks.at(-1);
    if (mark?.kind === 'stroke') mark.points.push(point);
  }

  #place({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return { x: ((clientX - left) * SIDE) / width, y: ((clientY - top) * SIDE) / height };
  }

  /** Tells before the keyboard's pen is drawn, which belongs to no picture. */
  #change(): void {
    this.#redraw(false);
    this.#onChange();
    this.#drawPen();
  }

  #redraw(withPen = true): void {
    const context = this.#context;
    context.fillStyle = PAPER;
    context.fillRect(0, 0, SIDE, SIDE);
    const last = this.#marks.at(-1);
    if (last?.kind === 'picture') context.drawImage(last.image, 0, 0, SIDE, SIDE);
    // The first stroke takes the place of a picture, which comes back when that is undone.
    const picture = this.#marks.findLastIndex(({ kind }) => kind === 'picture');
    for (const mark of this.#marks.slice(picture + 1)) {
      if (mark.kind === 'stroke') drawStroke(context, mark.points);
    }
    if (withPen) this.#drawPen();
  }

  #drawPen(): void {
    if (!this.#pen) return;
    const { x, y, down } = this.#pen;
    this.#context.beginPath();
    this.#context.arc(x, y, PEN_WIDTH / 2, 0, 2 * Math.PI);
    this.#context.lineWidth = 2;
    this.#context.strokeStyle = down ? '#e88929' : '#3a7bd5';
    this.#context.stroke();
  }
}

function drawStroke(context: CanvasRenderingContext2D, points: readonly Point[]): void {
  const [first, ...rest] = points;
  if (!first) return;
  context.strokeStyle = INK;
  context.lineWidth = PEN_WIDTH;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(first.x, first.y);
  // A line to where it is draws a dot.
  for (const { x, y } of rest.length > 0 ? rest : [first]) context.lineTo(x, y);
  context.stroke();
}

function clamp(value: number): number {
  return Math.min(Math.max(0, value), SIDE);
}
