import './digits.css';
import { FrameQueue } from '../../../src/index.ts';
import { Bars } from '../../components/bars.ts';
import { Fault } from '../../components/fault.ts';
import { Magnifier } from '../../components/magnifier.ts';
import { button, element } from '../../dom.ts';
import type { DigitReading } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatMs, formatShare } from '../../format.ts';
import type { View } from '../view.ts';
import { DrawingBoard } from './drawing_board.ts';
import { NetworkFigure } from './network_figure.ts';
import { DigitSamples } from './samples.ts';

/** Draw a digit, see what LeNet makes of it, layer by layer, while you draw. */
export function digitsView(engine: Engine): View {
  const samples = new DigitSamples();
  const drawings = new FrameQueue((pixels: ImageData) => engine.call('readDigit', pixels));
  const magnifier = new Magnifier();
  const figure = new NetworkFigure(magnifier);
  const bars = new Bars('Probability of each digit');
  const answer = element('output', { class: 'answer', 'aria-live': 'polite' });
  const note = element('p', { class: 'note', role: 'status' });
  const fault = new Fault();
  const board = new DrawingBoard(() => void read());

  async function read(): Promise<void> {
    fault.clear();
    if (board.empty) {
      showNothing();
      return;
    }
    try {
      const reading = await drawings.push(board.pixels());
      // It may have been cleared meanwhile.
      if (reading && !board.empty) show(reading);
    } catch (error) {
      note.textContent = '';
      fault.show(error, () => void read());
    }
  }

  function show({ probabilities, stages, ms }: DigitReading): void {
    const best = probabilities.indexOf(Math.max(...probabilities));
    answer.textContent = String(best);
    bars.show([...probabilities].map((share, digit) => ({ label: String(digit), share })));
    figure.show(stages);
    note.textContent = `LeNet is ${formatShare(probabilities[best] ?? 0)} sure; it took ${formatMs(ms)}.`;
  }

  function showNothing(): void {
    answer.textContent = '';
    bars.show([...Array(10).keys()].map((digit) => ({ label: String(digit), share: 0 })));
    figure.clear();
    note.textContent = 'Draw a digit from 0 to 9.';
  }

  async function sample(): Promise<void> {
    fault.clear();
    try {
      board.put(await samples.next());
    } catch {
      fault.show('The sample could not be loaded.');
    }
  }

  showNothing();
  void sample();

  return {
    element: element(
      'div',
      { class: 'digits' },
      element('h1', {}, 'Draw a digit'),
      element(
        'p',
        { class: 'lead' },
        'LeNet reads it on your own GPU while you draw, and shows what each layer sees.',
      ),
      element(
        'section',
        { class: 'desk', 'aria-label': 'Drawing and answer' },
        element(
          'div',
          { class: 'board-frame' },
          board.element,
          element(
            'div',
            { class: 'toolbar' },
            button('Clear', () => board.clear()),
            button('Undo', () => board.undo()),
            button('Sample', () => void sample(), { title: 'A random sample digit' }),
          ),
        ),
        element('div', { class: 'verdict' }, answer, note, fault.element),
        bars.element,
      ),
      element('h2', {}, 'Inside the network'),
      element(
        'p',
        { class: 'hint' },
        'Orange is positive, blue is negative. Point at a map to enlarge it.',
      ),
      figure.element,
      magnifier.element,
    ),
  };
}
