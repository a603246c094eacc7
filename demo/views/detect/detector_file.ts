import { Fault } from '../../components/fault.ts';
import { fileButton } from '../../components/file_button.ts';
import { ProgressBar } from '../../components/progress.ts';
import { describeProgress } from '../../components/weights_stages.ts';
import { element } from '../../dom.ts';
import type { DetectorFamilyName, WeightsProgress } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';

/** Such a file is made where PyTorch is. */
const RECIPE =
  "python -c \"from ultralytics import YOLO; YOLO('yolov8n.pt').export(format='onnx')\"";

/** What shapes do not always tell, under the names that people know. */
const FAMILIES: readonly (readonly [name: DetectorFamilyName | '', title: string])[] = [
  ['', 'as its outputs look'],
  ['yolov5', 'YOLOv5, v6, v7'],
  ['yolov8', 'YOLOv8, v9, v11, v12'],
  ['yolov10', 'YOLOv10'],
  ['yolox', 'YOLOX'],
  ['rt-detr', 'RT-DETR, D-FINE'],
  ['detr', 'DETR'],
];

const CHOICE =
  'Choose an .onnx or .tflite file of a YOLO, RT-DETR or DETR, or drop it on the page:';

/** Gets the page its detector: a file that is chosen. */
export class DetectorFile {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #onLoaded: (name: string) => void;
  readonly #progress = new ProgressBar();
  readonly #fault = new Fault();
  readonly #family = element(
    'select',
    {},
    ...FAMILIES.map(([value, title]) => element('option', { value }, title)),
  );
  readonly #state = element('p', {}, `This page has none. ${CHOICE}`);
  #last: File | undefined;

  constructor(engine: Engine, onLoaded: (name: string) => void) {
    this.#engine = engine;
    this.#onLoaded = onLoaded;
    this.#family.addEventListener('change', () => {
      if (this.#last) void this.load(this.#last);
    });
    const file = fileButton({
      label: 'Choose a file …',
      name: 'Detector file',
      accept: '.onnx,.tflite',
      onFile: (chosen) => void this.load(chosen),
    });
    const family = element('label', {}, 'Read', this.#family);
    this.element = element(
      'section',
      { class: 'panel file-panel', 'aria-label': 'Detector' },
      element('h2', {}, 'Bring a detector'),
      this.#state,
      element('div', { class: 'toolbar' }, file, family),
      element('p', { class: 'hint' }, 'Ultralytics’ YOLOv8 becomes such a file by'),
      element('code', {}, RECIPE),
      this.#progress.element,
      this.#fault.element,
    );
  }

  async load(file: File): Promise<void> {
    this.#fault.clear();
    this.#last = file;
    try {
      if (!/\.(onnx|tflite)$/i.test(file.name)) {
        throw new Error(
          `“${file.name}” is no .onnx or .tflite file, which are what this view reads`,
        );
      }
      if (!(await this.#give(file))) return;
      this.#state.textContent = `${file.name} is in use. ${CHOICE}`;
      this.#onLoaded(file.name);
    } catch (error) {
      this.#fault.show(error, () => void this.load(file));
    }
  }

  /** False where it was cancelled. */
  async #give(file: File): Promise<boolean> {
    const family = FAMILIES.find(([name]) => name === this.#family.value)?.[0] || undefined;
    const wanted = { name: file.name, file, family };
    const loaded = await this.#progress.during(`Reading ${file.name} …`, async (signal) => {
      const onProgress = (progress: WeightsProgress): void =>
        this.#progress.show(describeProgress(progress), progress.done / progress.total);
      await this.#engine.call('loadDetector', wanted, { signal, onProgress });
      return true;
    });
    return loaded ?? false;
  }
}
