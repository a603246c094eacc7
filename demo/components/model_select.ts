import { element } from '../dom.ts';
import type { ModelName } from '../engine/calls.ts';

/** Chooses the model that a view is about. */
export function modelSelect(onChange: (model: ModelName) => void): HTMLSelectElement {
  const select = element(
    'select',
    { 'aria-label': 'Model' },
    element('option', { value: 'lenet' }, 'LeNet'),
    element('option', { value: 'resnet50' }, 'ResNet-50'),
  );
  select.addEventListener('change', () => onChange(chosenModel(select)));
  return select;
}

export function chosenModel({ value }: HTMLSelectElement): ModelName {
  return value === 'resnet50' ? 'resnet50' : 'lenet';
}
