import { saveJson } from '../../components/save_json.ts';
import { button, element } from '../../dom.ts';
import type { PhotoReading } from '../../engine/calls.ts';
import type { ChannelsPanel } from './channels_panel.ts';
import { ClassList } from './class_list.ts';
import { HeatCanvas } from './heat_canvas.ts';

/** A picture and all that was read of it: classes, heat map, logits, channels. They come and go together. */
export class ShownPicture {
  readonly element: HTMLElement;
  readonly #canvas = new HeatCanvas();
  readonly #classes = new ClassList(() => this.#canvas.draw(this.#classes.chosen));
  readonly #channels: ChannelsPanel;
  readonly #save = button('Save all 1000 logits', () => this.#saveLogits());
  #reading: PhotoReading | undefined;

  /** `status` says beside the picture what is being done with it. */
  constructor(channels: ChannelsPanel, ...status: readonly HTMLElement[]) {
    this.#channels = channels;
    this.#save.disabled = true;
    this.element = element(
      'section',
      { class: 'panel photo-desk', 'aria-label': 'Picture and classes' },
      this.#canvas.element,
      element('div', {}, this.#classes.element, ...status, this.#save),
    );
  }

  /** Shows another picture, of which nothing is known yet. */
  put(picture: CanvasImageSource, width: number, height: number): void {
    this.#reading = undefined;
    this.#save.disabled = true;
    this.#classes.clear();
    this.#channels.clear();
    this.#canvas.put(picture, width, height);
    this.#canvas.draw(undefined);
  }

  /** What was read of it. */
  show(reading: PhotoReading): void {
    this.#reading = reading;
    this.#save.disabled = false;
    this.#classes.show(reading.top);
    this.#canvas.draw(this.#classes.chosen);
  }

  /** The next frame of a film, which is seen when its reading is shown. */
  putFrame(frame: CanvasImageSource, width: number, height: number): void {
    this.#canvas.put(frame, width, height);
  }

  #saveLogits(): void {
    if (this.#reading) saveJson('logits.json', { logits: [...this.#reading.logits] });
  }
}
