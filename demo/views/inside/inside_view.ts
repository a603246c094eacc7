import './inside.css';
import { Fault } from '../../components/fault.ts';
import { chosenModel, modelSelect } from '../../components/model_select.ts';
import { ProgressBar } from '../../components/progress.ts';
import { wgslSource } from '../../components/wgsl_source.ts';
import { button, element } from '../../dom.ts';
import type {
  LayerTimes,
  ModelName,
  PlannedLayer,
  PlanReport,
  Progress,
} from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatBytes, formatMs } from '../../format.ts';
import type { View } from '../view.ts';
import { layerTable } from './layer_table.ts';
import { memoryGantt } from './memory_gantt.ts';
import { timeline } from './timeline.ts';

const STAGES: Readonly<Record<Progress['stage'], string>> = {
  download: 'Downloading',
  tune: 'Tuning layer',
  compile: 'Compiling kernel',
  upload: 'Uploading tensor',
  time: 'Timing run',
};

/** How a model runs on this device: time per layer, memory, kernels and their source. */
class InsideView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #progress = new ProgressBar();
  readonly #fault = new Fault();
  readonly #select = modelSelect(() => void this.#plan());
  readonly #summary = element('p', { class: 'hint', role: 'status' });
  readonly #times = element('div', {});
  readonly #memory = element('div', {});
  readonly #layers = element('div', {});
  readonly #source = element('div', { class: 'kernel-source' });
  readonly #known = new Map<ModelName, Known>();
  /** The dispatch whose source is shown. */
  #index = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.element = element(
      'div',
      { class: 'inside' },
      element('h1', {}, 'Inside the runtime'),
      element(
        'p',
        { class: 'lead' },
        'What runs on this device, layer by layer: time, memory, and the WGSL of every kernel.',
      ),
      element(
        'div',
        { class: 'toolbar' },
        this.#select,
        button('Measure', () => void this.#measure(), { class: 'primary' }),
        this.#progress.element,
      ),
      this.#fault.element,
      this.#summary,
      element('h2', {}, 'GPU time'),
      this.#times,
      element('h2', {}, 'Memory plan'),
      this.#memory,
      element('h2', {}, 'Layers'),
      element('div', { class: 'layers-and-source' }, this.#layers, this.#source),
    );
    void this.#plan();
  }

  /** What is known of the chosen model is shown at once, another is planned. */
  async #plan(): Promise<void> {
    this.#fault.clear();
    this.#index = 0;
    const model = chosenModel(this.#select);
    const known = this.#known.get(model);
    if (known) {
      this.#show(known);
      return;
    }
    try {
      const report = await this.#engine.call('plan', model);
      // It may have been measured meanwhile.
      if (!this.#known.has(model)) this.#keep(model, { report, times: undefined });
    } catch (error) {
      this.#fault.show(error, () => void this.#plan());
    }
  }

  async #measure(): Promise<void> {
    this.#fault.clear();
    const model = chosenModel(this.#select);
    try {
      const found = await this.#progress.during('Making synthetic weights …', (signal) =>
        this.#time(model, signal),
      );
      if (found) this.#keep(model, found);
    } catch (error) {
      this.#fault.show(error, () => void this.#measure());
    }
  }

  /** The plan is asked for anew, since tuning may have changed what is timed. */
  async #time(model: ModelName, signal: AbortSignal): Promise<Known> {
    const report = await this.#engine.call('plan', model, { signal });
    const times = await this.#engine.call('time', model, {
      signal,
      onProgress: ({ stage, done, total }) =>
        this.#progress.show(
          `${STAGES[stage]} ${Math.min(done + 1, total)} of ${total}`,
          done / total,
        ),
    });
    return { report, times };
  }

  #keep(model: ModelName, known: Known): void {
    this.#known.set(model, known);
    if (model === chosenModel(this.#select)) this.#show(known);
  }

  #show({ report, times }: Known): void {
    const { dispatches, weightBytes, activations } = report;
    const choose = (index: number): void => {
      this.#index = index;
      this.#showSource(dispatches[index]);
    };
    this.#summary.textContent = `${dispatches.length} dispatches; ${formatBytes(weightBytes)} of weights, ${formatBytes(activations.bytes)} of activations on the device.`;
    this.#times.replaceChildren(...timesOf(report, times, choose));
    this.#memory.replaceChildren(memoryGantt(report));
    this.#layers.replaceChildren(layerTable(dispatches, times, choose));
    choose(this.#index);
  }

  #showSource(layer: PlannedLayer | undefined): void {
    if (!layer) return;
    this.#source.replaceChildren(
      element('h3', {}, `${layer.layer}: ${layer.kernel}`),
      element('p', { class: 'hint' }, describeWork(layer)),
      element(
        'p',
        { class: 'hint mono' },
        layer.config,
        ` · ${layer.workgroups.join(' × ')} workgroups`,
      ),
      wgslSource(layer.source),
    );
  }
}

/** What is known of a model on this device. */
interface Known {
  readonly report: PlanReport;
  readonly times: LayerTimes | undefined;
}

function timesOf(
  { dispatches }: PlanReport,
  times: LayerTimes | undefined,
  choose: (index: number) => void,
): readonly HTMLElement[] {
  if (!times) return [element('p', { class: 'hint' }, NOT_MEASURED)];
  const ms = times.dispatches.map((dispatch) => dispatch.ms);
  return [timeline(dispatches, ms, choose), element('p', { class: 'hint' }, describeTimes(times))];
}

const NOT_MEASURED =
  'Not measured yet: “Measure” runs the model a few times with synthetic weights.';

function describeWork({ layer, layers, computes }: PlannedLayer): string {
  const fused = layers.filter((name) => name !== layer);
  return fused.length > 0 ? `${computes}: with ${fused.join(', ')}` : computes;
}

function describeTimes({ clock, passMs, ceilings, dispatches }: LayerTimes): string {
  const sum = dispatches.reduce((total, { ms }) => total + ms, 0);
  const by =
    clock === 'gpu'
      ? 'the GPU’s own clock'
      : 'the host’s clock, which adds the cost of a submit to each';
  return `By ${by}: ${formatMs(sum)} where each layer is timed by itself, ${formatMs(passMs)} for all of them in one pass, as a run does it. This adapter’s measured limits: ${ceilings.gflops.toFixed(1)} GFLOP/s, ${ceilings.gigabytesPerSecond.toFixed(1)} GB/s.`;
}

/** The view. */
export function insideView(engine: Engine): View {
  return new InsideView(engine);
}
