import { browserSupport, type Unsupported } from '../../src/index.ts';
import { element } from '../dom.ts';

/** What to do where the browser has no WebGPU, or WebGPU but no adapter. */
export function missingGpu({ lacks, where, remedy }: Unsupported): HTMLElement {
  const others = browserSupport.filter((browser) => browser.where !== where);
  return element(
    'section',
    { class: 'missing' },
    element('h1', {}, lacks === 'adapter' ? NO_GPU : NO_WEBGPU),
    element('p', {}, 'Tilewise computes on your own GPU, by WebGPU. Nothing is sent anywhere.'),
    element('h2', {}, where ? `What to do in ${where}` : 'What to do'),
    element('p', {}, remedy),
    element('h2', {}, 'Versions that have WebGPU'),
    element(
      'dl',
      {},
      ...others.flatMap(({ where, versions }) => [
        element('dt', {}, where),
        element('dd', {}, versions),
      ]),
    ),
  );
}

const NO_WEBGPU = 'This browser does not offer WebGPU here';
const NO_GPU = 'This browser has WebGPU, but offers no GPU for it';
