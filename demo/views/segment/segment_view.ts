import { Fault } from '../../components/fault.ts';
import { AS_STORED } from '../../components/picture_file.ts';
import { PictureSources } from '../../components/picture_sources.ts';
import { ProgressBar } from '../../components/progress.ts';
import { describeProgress } from '../../components/weights_stages.ts';
import { button, element } from '../../dom.ts';
import type { SegmentReading, WeightsProgress } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatMs } from '../../format.ts';
import type { View } from '../view.ts';
import { legend } from './legend.ts';
import { MaskCanvas } from './mask_canvas.ts';
import { SegmentWeights } from './segment_weights.ts';

/** Pixels of the shorter side: torchvision evaluates at 520; what a CPU has done soon is the least. */
const SIDES = [64, 128, 260, 520] as const;
const SIDE_ON_CPU = '128';
/** The network sees pictures in their own shape: of how many times the shorter side the longer one may be. */
const MOST_ELONGATED = 8;

/** A network on the user's pictures: the class of each pixel as a colour. */
class SegmentView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #canvas = new MaskCanvas();
  readonly #legend = element('ul', {
    class: 'colour-legend',
    'aria-label': 'Classes in the picture',
  });
  readonly #note = element('p', { class: 'note', role: 'status' });
  readonly #fault = new Fault();
  readonly #progress = new ProgressBar();
  readonly #weights: SegmentWeights;
  readonly #sources: PictureSources;
  readonly #side = element(
    'select',
    {},
    ...SIDES.map((side) => element('option', { value: side }, `${side} pixels`)),
  );
  readonly #opacity = element('input', { type: 'range', min: 0, max: 1, step: 0.05, value: 0.6 });
  readonly #save = button('Save the mask', () => void this.#saveMask());
  #picture: ImageBitmap | undefined;
  #ready = false;
  /** Whether the user has chosen a side: what the adapter suggests comes later, on a busy machine. */
  #sideChosen = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#weights = new SegmentWeights(engine, {
      shorterSide: () => this.#shorterSide,
      onLoaded: () => {
        this.#ready = true;
        void this.#segment();
      },
    });
    this.#side.value = String(SIDES.at(-1));
    this.#side.addEventListener('change', () => {
      this.#sideChosen = true;
      void this.#segment();
    });
    this.#opacity.addEventListener('input', () => this.#draw());
    this.#save.disabled = true;
    this.#sources = new PictureSources(
      {
        begin: () => this.#fault.clear(),
        take: (picture) => this.#put(picture),
        takeWeights: (file) => void this.#weights.load(file),
        fail: (error) => this.#fault.show(error),
      },
      element('label', {}, 'Shorter side', this.#side),
      element('label', {}, 'Colours', this.#opacity),
    );
    this.element = this.#page();
    void this.#chooseSide();
    this.#sources.begin();
  }

  take(file: File): void {
    this.#sources.takeFile(file);
  }

  #page(): HTMLElement {
    return element(
      'div',
      { class: 'segment' },
      element('h1', {}, 'What is each pixel part of?'),
      element(
        'p',
        { class: 'lead' },
        'A network paints what it sees: torchvision’s FCN 20 classes of things, one of your own what it knows. Pictures stay in this page: drop or choose one.',
      ),
      this.#weights.element,
      this.#sources.element,
      this.#fault.element,
      element(
        'section',
        { class: 'panel picture-desk', 'aria-label': 'Picture and classes' },
        this.#canvas.element,
        element('div', {}, this.#legend, this.#progress.element, this.#note, this.#save),
      ),
    );
  }

  get #shorterSide(): number {
    return Number(this.#side.value);
  }

  /** On a CPU, the size that the network was trained at takes minutes. */
  async #chooseSide(): Promise<void> {
    const adapter = await this.#engine.call('open', undefined).catch(() => undefined);
    if (adapter?.software && !this.#ready && !this.#sideChosen) this.#side.value = SIDE_ON_CPU;
  }

  /** Another picture, of which nothing is known yet. */
  #put(picture: ImageBitmap): void {
    this.#progress.cancel();
    this.#picture = picture;
    this.#canvas.put(picture);
    this.#legend.replaceChildren();
    this.#save.disabled = true;
    void this.#segment();
  }

  /** The picture in hand; what comes meanwhile cancels it. */
  async #segment(): Promise<void> {
    const picture = this.#picture;
    if (!picture) return;
    if (!this.#ready) {
      this.#note.textContent = 'It can be segmented as soon as there are weights.';
      return;
    }
    this.#fault.clear();
    this.#note.textContent = '';
    const shorterSide = this.#shorterSide;
    try {
      checkSides(picture);
      const reading = await this.#progress.during('Segmenting …', (signal) =>
        this.#ask(picture, shorterSide, signal),
      );
      if (reading) this.#show(reading, shorterSide);
      else if (picture === this.#picture && !this.#progress.busy)
        this.#note.textContent = 'Stopped.';
    } catch (error) {
      this.#fault.show(error, () => void this.#segment());
    }
  }

  async #ask(
    picture: ImageBitmap,
    shorterSide: number,
    signal: AbortSignal,
  ): Promise<SegmentReading> {
    const copy = await createImageBitmap(picture, AS_STORED);
    const onProgress = (progress: WeightsProgress): void =>
      this.#progress.show(describeProgress(progress), progress.done / progress.total);
    const options = { transfer: [copy], signal, onProgress };
    return this.#engine.call('segment', { picture: copy, shorterSide }, options);
  }

  #show(reading: SegmentReading, shorterSide: number): void {
    this.#canvas.show(reading);
    this.#draw();
    this.#legend.replaceChildren(...legend(reading.found));
    const { network, ms, fixedSize } = reading;
    const size = fixedSize ? fixedSize.join(' × ') : `a shorter side of ${shorterSide}`;
    this.#note.textContent = `${network} took ${formatMs(ms)} at ${size} pixels.`;
    this.#save.disabled = false;
  }

  #draw(): void {
    this.#canvas.draw(Number(this.#opacity.value));
  }

  async #saveMask(): Promise<void> {
    const png = await this.#canvas.png();
    if (!png) return;
    const url = URL.createObjectURL(png);
    element('a', { href: url, download: 'mask.png' }).click();
    // The download reads it after the click has returned.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

/** Throws an Error for a picture whose longer side would take more memory than there is. */
function checkSides({ width, height }: ImageBitmap): void {
  if (Math.max(width, height) <= MOST_ELONGATED * Math.min(width, height)) return;
  throw new Error(
    `a picture of ${width} × ${height} is too narrow to be segmented; crop it until one side is at most ${MOST_ELONGATED} times the other`,
  );
}

/** The view. */
export function segmentView(engine: Engine): View {
  return new SegmentView(engine);
}
