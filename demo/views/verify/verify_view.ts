import './verify.css';
import { Fault } from '../../components/fault.ts';
import { chosenModel, modelSelect } from '../../components/model_select.ts';
import { ProgressBar } from '../../components/progress.ts';
import { button, element } from '../../dom.ts';
import type { LayerLine, VerifyProgress } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import type { View } from '../view.ts';

/** Every layer of a model on this device, against the CPU reference. */
class VerifyView implements View {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #progress = new ProgressBar();
  readonly #fault = new Fault();
  readonly #select = modelSelect(() => {});
  readonly #rows = element('tbody', {});
  readonly #table: HTMLElement;
  readonly #verdict = element('p', { role: 'status' });
  #checks: LayerLine[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    const head = ['', 'Layer', 'Operator', 'Kernel', 'Largest error', 'Where'];
    this.#table = element(
      'div',
      { class: 'panel scroll', tabindex: 0, role: 'region', 'aria-label': 'Checks' },
      element(
        'table',
        { class: 'data checks' },
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            ...head.map((text) =>
              element(text ? 'th' : 'td', { class: text === 'Largest error' && 'figure' }, text),
            ),
          ),
        ),
        this.#rows,
      ),
    );
    this.#table.hidden = true;
    this.element = element(
      'div',
      {},
      element('h1', {}, 'Is it right on this device?'),
      element(
        'p',
        { class: 'lead' },
        'Each layer is computed anew on the CPU, in double precision, from what the device gave it. A wrong kernel, or a wrong driver, shows as one red line.',
      ),
      element(
        'div',
        { class: 'toolbar' },
        this.#select,
        button('Verify', () => void this.#verify(), { class: 'primary' }),
        this.#progress.element,
      ),
      element(
        'p',
        { class: 'hint' },
        'ResNet-50 has 4 billion multiply-adds to check: half a minute to a few minutes.',
      ),
      this.#fault.element,
      this.#verdict,
      this.#table,
    );
  }

  async #verify(): Promise<void> {
    this.#fault.clear();
    this.#checks = [];
    this.#rows.replaceChildren();
    this.#verdict.textContent = '';
    try {
      await this.#progress.during('Running the model …', (signal) =>
        this.#engine.call('verify', chosenModel(this.#select), {
          signal,
          onProgress: (progress) => this.#hear(progress, signal),
        }),
      );
      this.#conclude();
    } catch (error) {
      this.#fault.show(error);
    }
  }

  #hear(progress: VerifyProgress, { aborted }: AbortSignal): void {
    if (aborted) return;
    if (progress.kind === 'layer') {
      const { done, total } = progress;
      this.#progress.show(`Layer ${done + 1} of ${total}`, done / total);
      return;
    }
    this.#checks.push(progress.line);
    this.#table.hidden = false;
    this.#rows.append(rowOf(progress.line));
  }

  #conclude(): void {
    const wrong = this.#checks.filter(({ ok }) => !ok).length;
    const worst = Math.max(0, ...this.#checks.map(({ error }) => error));
    if (this.#checks.length === 0) return;
    this.#verdict.className = wrong > 0 ? 'fault' : 'right';
    this.#verdict.textContent =
      wrong > 0
        ? `${wrong} of ${this.#checks.length} layers are wrong on this device.`
        : `All ${this.#checks.length} layers checked are right; the largest error is ${worst.toExponential(1)} of the layer’s largest value.`;
  }
}

function rowOf(line: LayerLine): HTMLElement {
  const { layer, op, computes, kernel, error, index, expected, actual, ok } = line;
  const fused = computes.filter((name) => name !== layer);
  const where = `[${index.join(', ')}]: expected ${expected.toPrecision(6)}, got ${actual.toPrecision(6)}`;
  return element(
    'tr',
    { class: ok ? 'right' : 'wrong' },
    element('td', { class: 'mark' }, ok ? '✓ right' : '✗ wrong'),
    element('th', { scope: 'row' }, layer, ...(fused.length > 0 ? [withFused(fused)] : [])),
    element('td', {}, op),
    element('td', {}, kernel ?? 'a view, computes nothing'),
    element('td', { class: 'figure' }, error.toExponential(1)),
    element('td', {}, where),
  );
}

function withFused(layers: readonly string[]): HTMLElement {
  return element('div', { class: 'hint' }, `with ${layers.join(', ')}`);
}

/** The view. */
export function verifyView(engine: Engine): View {
  return new VerifyView(engine);
}
