import './kernels.css';
import { Fault } from '../../components/fault.ts';
import { chosenModel, modelSelect } from '../../components/model_select.ts';
import { ProgressBar } from '../../components/progress.ts';
import { saveJson } from '../../components/save_json.ts';
import { button, element } from '../../dom.ts';
import type { BenchEvent, LayerReport, Progress, TuneResult } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatMs } from '../../format.ts';
import type { View } from '../view.ts';
import { kernelTable } from './kernel_table.ts';
import { Roofline } from './roofline.ts';
import { tuneTable } from './tune_table.ts';

/** Every kernel in every configuration, over the layer shapes that are chosen, on this device. */
class KernelsView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #progress = new ProgressBar();
  readonly #fault = new Fault();
  readonly #roofline = new Roofline();
  readonly #select = modelSelect(() => void this.#offerShapes());
  readonly #shapes = element('select', { 'aria-label': 'Layer of the model' });
  readonly #lines = element('textarea', {
    'aria-label': 'Layers to measure, one a line',
    rows: 4,
    spellcheck: 'false',
  });
  readonly #reports = element('div', {});
  readonly #tunedTable = element('div', {});
  readonly #tunedBefore = element('p', { class: 'tuned-before', role: 'status' });
  #tuned: readonly TuneResult[] = [];
  readonly #save = button('Export JSON', () => void this.#export());
  #layers: LayerReport[] = [];
  #ceilings: object | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#lines.value = 'conv2d 1,64,28,28 channels=64 kernel=3 padding=1 relu';
    this.#lines.addEventListener('input', () => this.#fault.clear());
    this.#save.disabled = true;
    this.element = element(
      'div',
      { class: 'kernels' },
      element('h1', {}, 'Which kernel is fastest here?'),
      element(
        'p',
        { class: 'lead' },
        'Each kernel, in every configuration, is checked against the CPU, then timed in turn with the others.',
      ),
      element(
        'div',
        { class: 'toolbar' },
        this.#select,
        this.#shapes,
        button('Add', () => this.#add()),
        button('Tune the model', () => void this.#tune(false), {
          title: 'Times the likeliest kernels of each layer, and shows what is gained',
        }),
      ),
      this.#lines,
      element(
        'div',
        { class: 'toolbar' },
        button('Run', () => void this.#run(), { class: 'primary' }),
        this.#save,
        this.#progress.element,
      ),
      this.#fault.element,
      this.#tunedBefore,
      this.#tunedTable,
      this.#roofline.element,
      this.#reports,
    );
    void this.#offerShapes();
  }

  async #offerShapes(): Promise<void> {
    this.#fault.clear();
    const model = chosenModel(this.#select);
    try {
      const shapes = await this.#engine.call('layerShapes', model);
      if (model !== chosenModel(this.#select)) return;
      this.#shapes.replaceChildren(...shapes.map((text) => element('option', {}, text)));
      await this.#sayWhatIsTuned();
    } catch (error) {
      this.#fault.show(error, () => void this.#offerShapes());
    }
  }

  /** Of this visit or of one before, which is when it matters: nothing is timed then. */
  async #sayWhatIsTuned(): Promise<void> {
    const shapes = await this.#engine.call('tunedShapes', chosenModel(this.#select));
    const said = [
      `${shapes} shapes of layers run in the kernels that were fastest here when they were timed. `,
      button('Time them again', () => void this.#tune(true)),
    ];
    this.#tunedBefore.replaceChildren(...(shapes > 0 ? said : []));
  }

  #add(): void {
    const lines = this.#wanted();
    if (!lines.includes(this.#shapes.value)) lines.push(this.#shapes.value);
    this.#lines.value = lines.join('\n');
  }

  #wanted(): string[] {
    return this.#lines.value.split('\n').flatMap((line) => (line.trim() ? [line.trim()] : []));
  }

  async #run(): Promise<void> {
    this.#fault.clear();
    try {
      await this.#progress.during('Measuring the adapter’s limits …', (signal) =>
        this.#engine.call('benchmark', this.#wanted(), {
          signal,
          onProgress: (event) => this.#hear(event, signal),
        }),
      );
    } catch (error) {
      this.#fault.show(error, () => void this.#run());
    }
  }

  async #tune(again: boolean): Promise<void> {
    this.#fault.clear();
    try {
      const results = await this.#progress.during('Tuning …', (signal) =>
        this.#engine.call(
          'tune',
          { model: chosenModel(this.#select), again },
          { signal, onProgress: (progress) => this.#showTuning(progress) },
        ),
      );
      await this.#sayWhatIsTuned();
      if (!results) return;
      this.#tuned = results;
      this.#tunedTable.replaceChildren(tuneTable(results));
      this.#save.disabled = false;
    } catch (error) {
      this.#fault.show(error, () => void this.#tune(again));
    }
  }

  #showTuning({ done, total, remainingMs }: Progress): void {
    const left = remainingMs === undefined ? '' : `, ${formatMs(remainingMs)} left`;
    this.#progress.show(`Tuning layer ${done + 1} of ${total}${left}`, done / total);
  }

  #hear(event: BenchEvent, { aborted }: AbortSignal): void {
    if (aborted) return;
    switch (event.kind) {
      case 'ceilings':
        this.#layers = [];
        this.#reports.replaceChildren();
        this.#ceilings = event.ceilings;
        this.#roofline.begin(event.ceilings);
        break;
      case 'layer':
        this.#layers.push(event.layer);
        this.#roofline.add(event.layer);
        this.#reports.append(kernelTable(event.layer));
        this.#save.disabled = false;
        break;
      case 'progress': {
        const rest = event.remainingMs;
        const left = rest === undefined ? '' : `, ${formatMs(rest)} left`;
        this.#progress.show(`${event.layer}${left}`, event.done);
      }
    }
  }

  async #export(): Promise<void> {
    const { name, software } = await this.#engine.call('open', undefined);
    const found = { ceilings: this.#ceilings, layers: this.#layers, tuned: this.#tuned };
    saveJson('kernels.json', { adapter: { name, software }, ...found });
  }
}

/** The view. */
export function kernelsView(engine: Engine): View {
  return new KernelsView(engine);
}
