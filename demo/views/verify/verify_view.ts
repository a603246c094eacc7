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
  readonly #select = modelSelect(() => this.#reset());
  readonly #rows = element('tbody', {});
  readonly #table: HTMLElement;
  readonly #verdict = element('p', { role: 'status' });
  #checks: LayerLine[] = [];
  /** Layers that the model in hand has. */
  #layers = 0;

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
        'LeNet takes seconds; ResNet-50, of 4 billion multiply-adds, half a minute to a few minutes.',
      ),
      this.#fault.element,
      this.#verdict,
      this.#table,
    );
  }

  async #verify(): Promise<void> {
    this.#fault.clear();
    this.#reset();
    try {
      const complete = await this.#progress.during('Running the model …', async (signal) => {
        const onProgress = (progress: VerifyProgress): void => this.#hear(progress, signal);
        await this.#engine.call('verify', chosenModel(this.#select), { signal, onProgress });
        return true;
      });
      if (complete || !this.#progress.busy) this.#conclude(complete ?? false);
    } catch (error) {
      this.#conclude(false);
      this.#fault.show(error, () => void this.#verify());
    }
  }

  /** Nothing is known of the model that is chosen. */
  #reset(): void {
    this.#progress.cancel();
    this.#checks = [];
    this.#layers = 0;
    this.#rows.replaceChildren();
    this.#table.hidden = true;
    this.#verdict.textContent = '';
  }

  #hear(progress: VerifyProgress, { aborted }: AbortSignal): void {
    if (aborted) return;
    if (progress.kind === 'layer') {
      const { done, total } = progress;
      if (done === 0) {
        this.#checks = [];
        this.#rows.replaceChildren();
      }
      this.#layers = total;
      this.#progress.show(`Layer ${done + 1} of ${total}`, done / total);
      return;
    }
    this.#checks.push(progress.line);
    this.#table.hidden = false;
    this.#rows.append(rowOf(progress.line));
  }

  #conclude(complete: boolean): void {
    const { kind, text } = verdictOf(this.#checks, this.#layers, complete);
    this.#verdict.className = kind;
    this.#verdict.textContent = text;
  }
}

interface Verdict {
  readonly kind: 'right' | 'wrong' | 'incomplete';
  readonly text: string;
}

/** What the checks say of a model of so many layers; what is right so far may still turn out wrong. */
function verdictOf(checks: readonly LayerLine[], layers: number, complete: boolean): Verdict {
  const wrong = checks.filter(({ ok }) => !ok).length;
  const worst = Math.max(0, ...checks.map(({ error }) => error));
  const count = `${checks.length} of ${layers} layers`;
  if (wrong > 0) {
    const rest = complete ? '' : ` It was stopped after ${count}.`;
    return { kind: 'wrong', text: `${wrong} layers are wrong on this device.${rest}` };
  }
  if (!complete) {
    const text =
      checks.length > 0
        ? `Stopped: ${count} were checked and are right. Of the rest nothing is known.`
        : 'Stopped before any layer was checked.';
    return { kind: 'incomplete', text };
  }
  return {
    kind: 'right',
    text: `All ${checks.length} layers checked are right; the largest error is ${worst.toExponential(1)} of the layer’s largest value.`,
  };
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
    element('td', { class: 'figure' }, error === 0 ? '0' : error.toExponential(1)),
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
