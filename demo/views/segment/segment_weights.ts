import { Fault } from '../../components/fault.ts';
import { fileButton } from '../../components/file_button.ts';
import { ProgressBar } from '../../components/progress.ts';
import { describeProgress } from '../../components/weights_stages.ts';
import { element } from '../../dom.ts';
import type { SegmenterWanted, WeightsProgress } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';

/** torchvision has them as a pickle, which no page should open: the file is made once, where PyTorch is. */
const RECIPE =
  "python -c \"import torchvision, safetensors.torch as s; s.save_file(torchvision.models.segmentation.fcn_resnet50(weights='DEFAULT').state_dict(), 'fcn_resnet50.safetensors')\"";

const CHOICE =
  'Choose a .safetensors file with the names of torchvision’s fcn_resnet50, or an .onnx or .tflite file of a network of your own, such as MediaPipe’s selfie_segmentation.tflite, or drop it on the page:';

export interface SegmentWeightsOptions {
  /** Pixels of the shorter side that is chosen. */
  readonly shorterSide: () => number;
  readonly onLoaded: () => void;
}

/** Gets the network its weights: a file that is chosen. */
export class SegmentWeights {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #options: SegmentWeightsOptions;
  readonly #progress = new ProgressBar();
  readonly #fault = new Fault();
  readonly #heading = element('h2', {}, 'The network needs its weights');
  readonly #state = element('p', {}, `This page brings none. ${CHOICE}`);
  readonly #recipe = element(
    'div',
    {},
    element('p', { class: 'hint' }, 'torchvision’s own, 142 MB, become such a file by'),
    element('code', {}, RECIPE),
  );
  readonly #offer: HTMLElement;

  constructor(engine: Engine, options: SegmentWeightsOptions) {
    this.#engine = engine;
    this.#options = options;
    const file = fileButton({
      label: 'Choose a file …',
      name: 'Weights of the segmentation network',
      accept: '.safetensors,.onnx,.tflite',
      onFile: (chosen) => void this.load(chosen),
    });
    const toolbar = element('div', { class: 'toolbar' }, file);
    this.#offer = element('div', {}, this.#heading, this.#state, toolbar, this.#recipe);
    this.element = element(
      'section',
      { class: 'panel file-panel', 'aria-label': 'Weights' },
      this.#offer,
      this.#progress.element,
      this.#fault.element,
    );
  }

  async load(file: File): Promise<void> {
    this.#fault.clear();
    this.#offer.hidden = true;
    try {
      const wanted = { name: file.name, file, shorterSide: this.#options.shorterSide() };
      if (await this.#give(wanted)) {
        this.#heading.textContent = 'The network';
        this.#state.textContent = `${file.name} is in use. ${CHOICE}`;
        this.#recipe.hidden = true;
        this.#options.onLoaded();
      }
    } catch (error) {
      this.#fault.show(error, () => void this.load(file));
    }
    this.#offer.hidden = false;
  }

  /** False where it was cancelled. */
  async #give(wanted: SegmenterWanted): Promise<boolean> {
    const loaded = await this.#progress.during(`Reading ${wanted.name} …`, async (signal) => {
      const onProgress = (progress: WeightsProgress): void =>
        this.#progress.show(describeProgress(progress), progress.done / progress.total);
      await this.#engine.call('loadSegmenter', wanted, { signal, onProgress });
      return true;
    });
    return loaded ?? false;
  }
}
