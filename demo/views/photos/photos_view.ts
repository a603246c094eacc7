import './photos.css';
import { FrameQueue } from '../../../src/index.ts';
import { Fault } from '../../components/fault.ts';
import { Magnifier } from '../../components/magnifier.ts';
import { AS_STORED } from '../../components/picture_file.ts';
import { PictureSources } from '../../components/picture_sources.ts';
import { ProgressBar } from '../../components/progress.ts';
import { button, element } from '../../dom.ts';
import type { PhotoReading } from '../../engine/calls.ts';
import { type Engine, isLoss } from '../../engine/engine.ts';
import { formatMs } from '../../format.ts';
import type { View } from '../view.ts';
import { ChannelsPanel } from './channels_panel.ts';
import { ShownPicture } from './shown_picture.ts';
import { type Frame, Webcam } from './webcam.ts';
import { WeightsPanel } from './weights_panel.ts';

/** ResNet-50 on the user's pictures: classes, what speaks for each, and every block's channels. */
class PhotosView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #channels: ChannelsPanel;
  readonly #shown: ShownPicture;
  readonly #fault = new Fault();
  readonly #note = element('p', { class: 'note', role: 'status' });
  readonly #progress = new ProgressBar();
  readonly #weights: WeightsPanel;
  readonly #sources: PictureSources;
  readonly #webcam = new Webcam();
  readonly #camera = button('Webcam', () => this.#toggleCamera());
  /** The still picture in hand, kept to be classified once there are weights. */
  #picture: ImageBitmap | undefined;
  /** Stops the film that runs; another one has another. */
  #film: AbortController | undefined;
  #ready = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    const magnifier = new Magnifier();
    this.#channels = new ChannelsPanel(engine, magnifier);
    this.#shown = new ShownPicture(this.#channels, this.#progress.element, this.#note);
    this.#weights = new WeightsPanel(engine, () => {
      this.#ready = true;
      void this.#classify();
    });
    this.#sources = new PictureSources({
      begin: () => this.#fault.clear(),
      take: (picture) => this.#take(picture),
      takeWeights: (file) => void this.#weights.loadFile(file),
      fail: (error) => this.#fault.show(error),
    });
    this.element = this.#page(magnifier);
    void this.#weights.resume();
    engine.listen(({ kind }) => {
      if (kind === 'lost') this.#webcam.useCopies();
    });
    this.#sources.begin();
  }

  hidden(): void {
    this.#stopCamera();
  }

  take(file: File): void {
    this.#sources.takeFile(file);
  }

  #page(magnifier: Magnifier): HTMLElement {
    return element(
      'div',
      { class: 'photos' },
      element('h1', {}, 'What is in the picture?'),
      element(
        'p',
        { class: 'lead' },
        'ResNet-50 says it, and shows where it looked. Pictures stay in this page: drop, paste, choose or film one.',
      ),
      this.#weights.element,
      element('div', { class: 'toolbar' }, this.#sources.element, this.#camera),
      this.#fault.element,
      this.#shown.element,
      this.#channels.element,
      magnifier.element,
    );
  }

  #take(picture: ImageBitmap): void {
    this.#stopCamera();
    this.#picture = picture;
    this.#shown.put(picture, picture.width, picture.height);
    void this.#classify();
  }

  /** The picture in hand; what comes meanwhile cancels it. */
  async #classify(): Promise<void> {
    const picture = this.#picture;
    if (!picture) return;
    if (!this.#ready) {
      this.#note.textContent = 'It can be classified as soon as there are weights.';
      return;
    }
    this.#fault.clear();
    this.#note.textContent = '';
    try {
      const reading = await this.#progress.during('Classifying …', async (signal) => {
        const copy = await createImageBitmap(picture, AS_STORED);
        const argument = { picture: copy, live: false };
        return this.#engine.call('readPhoto', argument, { transfer: [copy], signal });
      });
      if (reading) {
        this.#note.textContent = `ResNet-50 took ${formatMs(reading.ms)}.`;
        this.#shown.show(reading);
        await this.#channels.refresh();
      } else if (picture === this.#picture && !this.#progress.busy) {
        this.#note.textContent = 'Stopped.';
      }
    } catch (error) {
      this.#fault.show(error, () => void this.#classify());
    }
  }

  #toggleCamera(): void {
    if (this.#film) this.#stopCamera();
    else void this.#startCamera();
  }

  async #startCamera(): Promise<void> {
    this.#fault.clear();
    this.#picture = undefined;
    this.#progress.cancel();
    const film = new AbortController();
    this.#film = film;
    this.#camera.textContent = 'Stop the webcam';
    try {
      await this.#webcam.start();
      if (!this.#film) this.#webcam.stop();
      if (film !== this.#film) return;
      const { picture } = this.#webcam;
      this.#shown.put(picture, picture.videoWidth, picture.videoHeight);
      await this.#roll(film);
    } catch (error) {
      this.#failFilm(film, error);
    }
  }

  /** Every frame of a film: the newest is read as soon as the one before is. Without weights they are only shown. */
  async #roll(film: AbortController): Promise<void> {
    const { picture } = this.#webcam;
    const frames = new FrameQueue((frame: Frame) => this.#readFrame(frame), film);
    while (film === this.#film) {
      if (this.#ready) void this.#follow(film, frames, await this.#webcam.frame());
      else this.#shown.put(picture, picture.videoWidth, picture.videoHeight);
      await this.#webcam.next();
    }
  }

  #readFrame(frame: Frame): Promise<PhotoReading> {
    const { videoWidth, videoHeight } = this.#webcam.picture;
    this.#shown.putFrame(frame, videoWidth, videoHeight);
    return this.#engine.call('readPhoto', { picture: frame, live: true }, { transfer: [frame] });
  }

  /** Shows what is read of a frame, unless a newer one took its place. */
  async #follow(
    film: AbortController,
    frames: FrameQueue<Frame, PhotoReading>,
    frame: Frame,
  ): Promise<void> {
    try {
      const reading = await frames.push(frame);
      if (!reading || film !== this.#film) return;
      this.#shown.show(reading);
      const { fps } = frames.statistics;
      if (fps > 0) this.#note.textContent = `Live: ${fps.toPrecision(2)} frames a second.`;
    } catch (error) {
      if (!isLoss(error)) this.#failFilm(film, error);
      else if (film === this.#film) {
        this.#note.textContent = 'The film goes on as soon as the device is back.';
      }
    }
  }

  #failFilm(film: AbortController, error: unknown): void {
    if (film !== this.#film) return;
    this.#stopCamera();
    this.#fault.show(error);
  }

  #stopCamera(): void {
    if (this.#film) this.#note.textContent = '';
    this.#film?.abort();
    this.#film = undefined;
    this.#webcam.stop();
    this.#camera.textContent = 'Webcam';
  }
}

/** The view. */
export function photosView(engine: Engine): View {
  return new PhotosView(engine);
}
