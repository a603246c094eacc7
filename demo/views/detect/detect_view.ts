import { Fault } from '../../components/fault.ts';
import { AS_STORED } from '../../components/picture_file.ts';
import { PictureSources } from '../../components/picture_sources.ts';
import { ProgressBar } from '../../components/progress.ts';
import { element } from '../../dom.ts';
import type { Detection, DetectReading } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatMs, formatShare } from '../../format.ts';
import type { View } from '../view.ts';
import { BoxCanvas, colourOf } from './box_canvas.ts';
import { DetectorFile } from './detector_file.ts';

/** A detector of the user's own, on the user's pictures: what is in them, and where. */
class DetectView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #canvas = new BoxCanvas();
  readonly #list = element('ul', { class: 'colour-legend', 'aria-label': 'Things in the picture' });
  readonly #note = element('p', { class: 'note', role: 'status' });
  readonly #fault = new Fault();
  readonly #progress = new ProgressBar();
  readonly #score = element('input', { type: 'range', min: 0.05, max: 0.95, step: 0.05 });
  readonly #scoreText = element('output', {});
  readonly #file: DetectorFile;
  readonly #sources: PictureSources;
  #picture: ImageBitmap | undefined;
  #reading: DetectReading | undefined;
  /** Of the file of the detector, once there is one. */
  #detector: string | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#file = new DetectorFile(engine, (name) => {
      this.#detector = name;
      this.#reading = undefined;
      void this.#detect();
    });
    this.#sources = new PictureSources(
      {
        begin: () => this.#fault.clear(),
        take: (picture) => this.#put(picture),
        takeWeights: (file) => void this.#file.load(file),
        fail: (error) => this.#fault.show(error),
      },
      element('label', {}, 'Score from', this.#score, this.#scoreText),
    );
    this.#score.value = '0.25';
    this.#score.addEventListener('input', () => this.#show());
    this.element = this.#page();
    this.#show();
    this.#sources.begin();
  }

  take(file: File): void {
    this.#sources.takeFile(file);
  }

  #page(): HTMLElement {
    return element(
      'div',
      { class: 'detect' },
      element('h1', {}, 'What is where?'),
      element(
        'p',
        { class: 'lead' },
        'A detector of your own finds things in pictures. Both stay in this page: drop or choose them.',
      ),
      this.#file.element,
      this.#sources.element,
      this.#fault.element,
      element(
        'section',
        { class: 'panel picture-desk', 'aria-label': 'Picture and things' },
        this.#canvas.element,
        element('div', {}, this.#list, this.#progress.element, this.#note),
      ),
    );
  }

  /** Another picture, of which nothing is known yet. */
  #put(picture: ImageBitmap): void {
    this.#progress.cancel();
    this.#picture = picture;
    this.#reading = undefined;
    this.#canvas.put(picture);
    this.#list.replaceChildren();
    void this.#detect();
  }

  /** The picture in hand; what comes meanwhile cancels it. */
  async #detect(): Promise<void> {
    const picture = this.#picture;
    if (!picture) return;
    if (this.#detector === undefined) {
      this.#note.textContent = 'It is looked at as soon as there is a detector.';
      return;
    }
    this.#fault.clear();
    this.#note.textContent = '';
    try {
      const reading = await this.#progress.during('Looking …', async (signal) => {
        const copy = await createImageBitmap(picture, AS_STORED);
        return this.#engine.call('detect', copy, { transfer: [copy], signal });
      });
      if (reading && picture === this.#picture) {
        this.#reading = reading;
        this.#show();
      } else if (picture === this.#picture && !this.#progress.busy) {
        this.#note.textContent = 'Stopped.';
      }
    } catch (error) {
      this.#fault.show(error, () => void this.#detect());
    }
  }

  /** What is sure enough. */
  #show(): void {
    const least = Number(this.#score.value);
    this.#scoreText.textContent = formatShare(least);
    if (!this.#reading) return;
    const found = this.#reading.found.filter(({ score }) => score >= least);
    this.#canvas.draw(found);
    this.#list.replaceChildren(...found.map(rowOf));
    const count = found.length === 1 ? '1 thing' : `${found.length} things`;
    this.#note.textContent = `${this.#detector} found ${count} in ${formatMs(this.#reading.ms)}.`;
  }
}

function rowOf({ class: index, label, score }: Detection): HTMLElement {
  const swatch = element('span', { class: 'swatch' });
  swatch.style.backgroundColor = colourOf(index);
  const share = element('span', { class: 'bar-figure' }, formatShare(score));
  return element('li', {}, swatch, element('span', {}, label), share);
}

/** The view. */
export function detectView(engine: Engine): View {
  return new DetectView(engine);
}
