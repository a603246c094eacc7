import './segment.css';
import { Fault } from '../../components/fault.ts';
import { fileButton } from '../../components/file_button.ts';
import { Latest } from '../../components/latest.ts';
import { ProgressBar } from '../../components/progress.ts';
import { button, element } from '../../dom.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatMs } from '../../format.ts';
import { samplePhotos } from '../photos/samples.ts';
import type { View } from '../view.ts';
import { legend } from './legend.ts';
import { MaskCanvas } from './mask_canvas.ts';
import { describeProgress, SegmentWeights } from './segment_weights.ts';

/** Pixels of the shorter side: torchvision evaluates at 520; what a CPU has done soon is the least. */
const SIDES = [64, 128, 260, 520] as const;
const SIDE_ON_CPU = '128';
/** More than any camera's picture has. */
const MOST_BYTES = 100e6;

/** FCN on the user's pictures: the class of each pixel as a colour. */
class SegmentView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #latest = new Latest();
  readonly #canvas = new MaskCanvas();
  readonly #legend = element('ul', {
    class: 'segment-legend',
    'aria-label': 'Classes in the picture',
  });
  readonly #note = element('p', { class: 'note', role: 'status' });
  readonly #fault = new Fault();
  readonly #progress = new ProgressBar();
  readonly #weights: SegmentWeights;
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
        this.#read();
      },
    });
    this.#side.value = String(SIDES.at(-1));
    this.#side.addEventListener('change', () => {
      this.#sideChosen = true;
      this.#read();
    });
    this.#opacity.addEventListener('input', () => this.#draw());
    this.#save.disabled = true;
    this.element = this.#page();
    this.#listenForDrops();
    void this.#chooseSide();
    const [first] = samplePhotos;
    void this.#take(load(first.url));
  }

  #page(): HTMLElement {
    return element(
      'div',
      { class: 'segment' },
      element('h1', {}, 'What is each pixel part of?'),
      element(
        'p',
        { class: 'lead' },
        'A fully convolutional network paints what it sees of 20 classes of things. Pictures stay in this page: drop or choose one.',
      ),
      this.#weights.element,
      this.#sources(),
      this.#fault.element,
      element(
        'section',
        { class: 'panel segment-desk', 'aria-label': 'Picture and classes' },
        this.#canvas.element,
        element('div', {}, this.#legend, this.#progress.element, this.#note, this.#save),
      ),
    );
  }

  #sources(): HTMLElement {
    const samples = samplePhotos.map(({ title, url }) =>
      button(
        element('img', { src: url, alt: '', width: 72, height: 48 }),
        () => void this.#take(load(url)),
        { class: 'sample', 'aria-label': title, title },
      ),
    );
    const file = fileButton({
      label: 'Choose a picture …',
      name: 'Picture to segment',
      accept: 'image/*',
      onFile: (chosen) => void this.#take(Promise.resolve(chosen)),
    });
    return element(
      'div',
      { class: 'toolbar segment-options' },
      ...samples,
      file,
      element('label', {}, 'Shorter side', this.#side),
      element('label', {}, 'Colours', this.#opacity),
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

  #listenForDrops(): void {
    addEventListener('drop', (event) => {
      const [file] = event.dataTransfer?.files ?? [];
      if (!file || !location.hash.startsWith('#segment')) return;
      event.preventDefault();
      if (/\.safetensors$/i.test(file.name)) void this.#weights.load(file);
      else void this.#take(Promise.resolve(file));
    });
    addEventListener('dragover', (event) => event.preventDefault());
  }

  async #take(file: Promise<Blob>): Promise<void> {
    this.#fault.clear();
    try {
      this.#picture = await decode(await file);
    } catch (error) {
      this.#fault.show(error);
      return;
    }
    this.#canvas.put(this.#picture);
    this.#legend.replaceChildren();
    this.#save.disabled = true;
    this.#read();
  }

  #read(): void {
    const picture = this.#picture;
    if (!picture) return;
    if (!this.#ready) {
      this.#note.textContent = 'It can be segmented as soon as there are weights.';
      return;
    }
    this.#note.textContent = '';
    this.#latest.run(() => this.#segment(picture));
  }

  async #segment(picture: ImageBitmap): Promise<void> {
    this.#fault.clear();
    try {
      const shorterSide = this.#shorterSide;
      const reading = await this.#progress.during('Segmenting …', async (signal) => {
        const copy = await createImageBitmap(picture, AS_STORED);
        return this.#engine.call(
          'segment',
          { picture: copy, shorterSide },
          {
            transfer: [copy],
            signal,
            onProgress: (progress) =>
              this.#progress.show(describeProgress(progress), progress.done / progress.total),
          },
        );
      });
      if (!reading || picture !== this.#picture) return;
      this.#canvas.show(reading);
      this.#draw();
      this.#legend.replaceChildren(...legend(reading.found));
      this.#canvas.element.setAttribute('aria-label', labelOf(reading.found[0]?.label));
      this.#note.textContent = `FCN took ${formatMs(reading.ms)} at ${shorterSide} pixels.`;
      this.#save.disabled = false;
    } catch (error) {
      this.#fault.show(error);
    }
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

/** Values as the file has them: colours are not converted, alpha stays straight. */
const AS_STORED = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;

function labelOf(largest: string | undefined): string {
  return `The picture, coloured by class; most of it is ${largest ?? 'nothing'}`;
}

async function load(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`“${url}”: the server answered ${response.status}`);
  return response.blob();
}

async function decode(file: Blob): Promise<ImageBitmap> {
  if (file.size > MOST_BYTES) {
    throw new Error(`the picture has ${file.size} bytes; make it smaller, ${MOST_BYTES} are read`);
  }
  return createImageBitmap(file, AS_STORED).catch(() => {
    const name = file instanceof File ? `“${file.name}”` : 'this file';
    throw new Error(`${name} is no picture that this browser reads; save it as PNG or JPEG`);
  });
}

/** The view. */
export function segmentView(engine: Engine): View {
  return new SegmentView(engine);
}
