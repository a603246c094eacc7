import './photos.css';
import { Fault } from '../../components/fault.ts';
import { Magnifier } from '../../components/magnifier.ts';
import { ProgressBar } from '../../components/progress.ts';
import { saveJson } from '../../components/save_json.ts';
import { button, element } from '../../dom.ts';
import type { PhotoReading } from '../../engine/calls.ts';
import { type Engine, EngineError } from '../../engine/engine.ts';
import { formatMs } from '../../format.ts';
import type { View } from '../view.ts';
import { ChannelsPanel } from './channels_panel.ts';
import { ClassList } from './class_list.ts';
import { HeatCanvas } from './heat_canvas.ts';
import { pictureSources } from './picture_sources.ts';
import { Webcam } from './webcam.ts';
import { WeightsPanel } from './weights_panel.ts';

/** Colours are not converted, alpha stays straight. */
const AS_IT_IS = { premultiplyAlpha: 'none', colorSpaceConversion: 'none' } as const;

/** ResNet-50 on the user's pictures: classes, what speaks for each, and every block's channels. */
class PhotosView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #canvas = new HeatCanvas();
  readonly #classes = new ClassList(() => this.#canvas.draw(this.#classes.chosen));
  readonly #channels: ChannelsPanel;
  readonly #fault = new Fault();
  readonly #note = element('p', { class: 'note', role: 'status' });
  readonly #progress = new ProgressBar();
  readonly #weights: WeightsPanel;
  readonly #webcam = new Webcam();
  readonly #camera = button('Webcam', () => void this.#toggleCamera());
  readonly #save = button('Save all 1000 logits', () => this.#saveLogits());
  #reading: PhotoReading | undefined;
  /** The still picture in hand, kept to be classified once there are weights. */
  #picture: ImageBitmap | undefined;
  #ready = false;
  /** Whether the device was lost while it classified. */
  #interrupted = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    const magnifier = new Magnifier();
    this.#channels = new ChannelsPanel(engine, magnifier);
    this.#save.disabled = true;
    this.#weights = new WeightsPanel(engine, () => {
      this.#ready = true;
      this.#readStill();
    });
    const sources = pictureSources({
      take: (picture) => this.#take(picture),
      takeWeights: (file) => void this.#weights.loadFile(file),
      fail: (error) => this.#fault.show(error),
    });
    this.element = element(
      'div',
      { class: 'photos' },
      element('h1', {}, 'What is in the picture?'),
      element(
        'p',
        { class: 'lead' },
        'ResNet-50 says it, and shows where it looked. Pictures stay in this page: drop, paste, choose or film one.',
      ),
      this.#weights.element,
      element('div', { class: 'toolbar' }, sources, this.#camera),
      this.#fault.element,
      element(
        'section',
        { class: 'panel photo-desk', 'aria-label': 'Picture and classes' },
        this.#canvas.element,
        element('div', {}, this.#classes.element, this.#progress.element, this.#note, this.#save),
      ),
      this.#channels.element,
      magnifier.element,
    );
    void this.#weights.resume();
    engine.listen(({ kind }) => {
      if (kind === 'lost') this.#webcam.useCopies();
      if (kind === 'opened' && this.#interrupted) this.#readStill();
    });
    this.element.querySelector<HTMLButtonElement>('.sample')?.click();
  }

  hidden(): void {
    this.#stopCamera();
  }

  #take(picture: ImageBitmap): void {
    this.#fault.clear();
    this.#stopCamera();
    this.#picture = picture;
    this.#canvas.put(picture, picture.width, picture.height);
    this.#classes.clear();
    this.#canvas.draw(undefined);
    this.#readStill();
  }

  #readStill(): void {
    const picture = this.#picture;
    if (!picture) return;
    if (!this.#ready) {
      this.#note.textContent = 'It can be classified as soon as there are weights.';
      return;
    }
    this.#note.textContent = '';
    this.#interrupted = false;
    void this.#classify(picture);
  }

  async #classify(picture: ImageBitmap): Promise<void> {
    try {
      // A picture that comes meanwhile cancels this one.
      const reading = await this.#progress.during('Classifying …', async (signal) => {
        const copy = await createImageBitmap(picture, AS_IT_IS);
        const argument = { picture: copy, live: false };
        return this.#engine.call('readPhoto', argument, { transfer: [copy], signal });
      });
      if (picture !== this.#picture) return;
      if (!reading) {
        this.#note.textContent = 'Stopped.';
        return;
      }
      this.#show(reading);
      await this.#channels.refresh();
    } catch (error) {
      this.#fail(error);
    }
  }

  #show(reading: PhotoReading): void {
    this.#fault.clear();
    this.#reading = reading;
    this.#save.disabled = false;
    this.#classes.show(reading.top);
    this.#note.textContent = `ResNet-50 took ${formatMs(reading.ms)}.`;
    this.#canvas.draw(this.#classes.chosen);
  }

  #fail(error: unknown): void {
    this.#note.textContent = '';
    this.#fault.show(error);
    this.#interrupted = error instanceof EngineError && error.name === 'DeviceLostError';
  }

  async #toggleCamera(): Promise<void> {
    if (this.#webcam.running) {
      this.#stopCamera();
      return;
    }
    this.#fault.clear();
    try {
      await this.#webcam.start();
      this.#camera.textContent = 'Stop the webcam';
      await this.#film();
    } catch (error) {
      this.#stopCamera();
      this.#fault.show(error);
    }
  }

  /** One frame after the other, as fast as they are answered. */
  async #film(): Promise<void> {
    let last = performance.now();
    while (this.#webcam.running) {
      const { picture } = this.#webcam;
      this.#canvas.put(picture, picture.videoWidth, picture.videoHeight);
      if (!this.#ready) {
        this.#canvas.draw(undefined);
        await new Promise(requestAnimationFrame);
        continue;
      }
      await this.#readFrame(await this.#webcam.frame());
      const now = performance.now();
      if (!this.#webcam.running) return;
      this.#note.textContent = `Live: ${(1000 / (now - last)).toPrecision(2)} frames a second.`;
      last = now;
    }
  }

  async #readFrame(picture: ImageBitmap | VideoFrame): Promise<void> {
    try {
      const argument = { picture, live: true };
      this.#show(await this.#engine.call('readPhoto', argument, { transfer: [picture] }));
    } catch (error) {
      this.#fail(error);
    }
  }

  #stopCamera(): void {
    this.#webcam.stop();
    this.#camera.textContent = 'Webcam';
  }

  #saveLogits(): void {
    if (this.#reading) saveJson('logits.json', { logits: [...this.#reading.logits] });
  }
}

/** The view. */
export function photosView(engine: Engine): View {
  return new PhotosView(engine);
}
