import { Fault } from '../../components/fault.ts';
import { ProgressBar } from '../../components/progress.ts';
import { button, element } from '../../dom.ts';
import type { WeightsFrom, WeightsProgress } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatBytes, formatShare } from '../../format.ts';

/** torchvision's first ImageNet weights, as timm has put them on the hub. */
const OFFER = {
  url: 'https://huggingface.co/timm/resnet50.tv_in1k/resolve/main/model.safetensors',
  size: '102 MB',
  licence: 'BSD 3-Clause',
};

const STAGES: Readonly<Record<WeightsProgress['stage'], string>> = {
  download: 'Downloading',
  compile: 'Compiling kernels',
  upload: 'Uploading weights',
  time: 'Timing',
};

/** Gets ResNet-50 its weights: a file that is dropped or chosen, or a download that the user starts. */
export class WeightsPanel {
  readonly element: HTMLElement;
  readonly #engine: Engine;
  readonly #onLoaded: () => void;
  readonly #progress = new ProgressBar();
  readonly #fault = new Fault();
  readonly #address = element('input', {
    type: 'url',
    value: OFFER.url,
    'aria-label': 'Address of the weights file',
    spellcheck: 'false',
  });
  readonly #download = button('Download', () => void this.#fromUrl(), { class: 'primary' });
  readonly #offer: HTMLElement;

  constructor(engine: Engine, onLoaded: () => void) {
    this.#engine = engine;
    this.#onLoaded = onLoaded;
    const file = element('input', {
      type: 'file',
      accept: '.safetensors',
      'aria-label': 'Weights file',
    });
    file.addEventListener('change', () => {
      const [chosen] = file.files ?? [];
      if (chosen) void this.loadFile(chosen);
      file.value = '';
    });
    this.#offer = element(
      'div',
      { class: 'offer' },
      element('h2', {}, 'ResNet-50 needs its weights'),
      element(
        'p',
        {},
        'This page brings none. Drop a .safetensors file with torchvision’s names anywhere on the page, choose one, or download:',
      ),
      element(
        'p',
        { class: 'hint' },
        `torchvision’s ImageNet weights from huggingface.co (timm/resnet50.tv_in1k): ${OFFER.size}, ${OFFER.licence}. They are kept in this browser; a download that was stopped goes on where it was.`,
      ),
      element('div', { class: 'toolbar' }, this.#address, this.#download, file),
    );
    this.element = element(
      'section',
      { class: 'panel weights', 'aria-label': 'Weights' },
      this.#offer,
      this.#progress.element,
      this.#fault.element,
    );
  }

  /** Uses what an earlier visit has downloaded, if it is all there. */
  async resume(): Promise<void> {
    const share = await this.#engine.call('cachedShare', OFFER.url);
    if (share === 1) await this.#fromUrl();
    else if (share > 0) {
      this.#download.textContent = `Go on with the download (${formatShare(share)} are here)`;
    }
  }

  loadFile(file: File): Promise<void> {
    return this.#load({ kind: 'file', name: file.name, file });
  }

  async #fromUrl(): Promise<void> {
    const url = this.#address.value.trim();
    if (!URL.canParse(url)) {
      this.#fault.show(new Error(`“${url}” is no address; it begins with https://`));
      return;
    }
    await this.#load({ kind: 'url', name: url, url });
  }

  async #load(from: WeightsFrom): Promise<void> {
    this.#fault.clear();
    this.#offer.hidden = true;
    try {
      const loaded = await this.#progress.during(`Reading ${from.name} …`, (signal) =>
        this.#engine.call('loadWeights', from, {
          signal,
          onProgress: (progress) => this.#show(progress),
        }),
      );
      if (loaded === undefined) {
        this.#offer.hidden = false;
        if (from.kind === 'url') this.#download.textContent = 'Go on with the download';
        return;
      }
      this.element.hidden = true;
      this.#onLoaded();
    } catch (error) {
      this.#offer.hidden = false;
      this.element.hidden = false;
      this.#fault.show(error);
    }
  }

  #show({ stage, done, total, bytesPerSecond }: WeightsProgress): void {
    const amounts =
      stage === 'download'
        ? `${formatBytes(done)} of ${formatBytes(total)}, ${formatBytes(Math.round(bytesPerSecond ?? 0))}/s`
        : `${done} of ${total}`;
    this.#progress.show(`${STAGES[stage]}: ${amounts}`, done / total);
  }
}
