import { Fault } from '../../components/fault.ts';
import { fileButton } from '../../components/file_button.ts';
import { kindOf } from '../../components/file_kind.ts';
import { ProgressBar } from '../../components/progress.ts';
import { STAGES } from '../../components/weights_stages.ts';
import { button, element } from '../../dom.ts';
import type { LoadedWeights, WeightsFrom, WeightsProgress } from '../../engine/calls.ts';
import type { Engine } from '../../engine/engine.ts';
import { formatBytes, formatShare } from '../../format.ts';

/** torchvision's first ImageNet weights, as timm has put them on the hub. */
const OFFER = {
  url: 'https://huggingface.co/timm/resnet50.tv_in1k/resolve/main/model.safetensors',
  size: '102 MB',
  licence: 'BSD 3-Clause',
};

/**
 * Gets ResNet-50 its weights: a file that is dropped or chosen, or a download that the user starts. Once there are
 * some it is a line that names them.
 */
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
  /** What is in use; empty before that. */
  readonly #inUse = element('div', { class: 'toolbar in-use' });

  constructor(engine: Engine, onLoaded: () => void) {
    this.#engine = engine;
    this.#onLoaded = onLoaded;
    this.#offer = element(
      'div',
      { class: 'offer' },
      element('h2', {}, 'ResNet-50 needs its weights'),
      element(
        'p',
        {},
        'This page brings none. Drop a .safetensors file with torchvision’s names, or an .onnx file, anywhere on the page, choose one, or download:',
      ),
      element(
        'p',
        { class: 'hint' },
        `torchvision’s ImageNet weights from huggingface.co (timm/resnet50.tv_in1k): ${OFFER.size}, ${OFFER.licence}. They are kept in this browser; a download that was stopped goes on where it was.`,
      ),
      element(
        'div',
        { class: 'toolbar' },
        this.#address,
        this.#download,
        fileButton({
          label: 'Choose a file …',
          name: 'Weights file',
          accept: '.safetensors,.onnx',
          onFile: (file) => void this.loadFile(file),
        }),
      ),
    );
    this.#inUse.hidden = true;
    this.element = element(
      'section',
      { class: 'panel weights', 'aria-label': 'Weights' },
      this.#inUse,
      this.#offer,
      this.#progress.element,
      this.#fault.element,
    );
  }

  /** Uses what an earlier visit has downloaded, if it is all there; asks nobody. */
  async resume(): Promise<void> {
    // Some browsers keep nothing, which matters to nobody before a download.
    const kept = await this.#engine.call('keptWeights', undefined).catch(() => []);
    const isComplete = (file: (typeof kept)[number]) => file.loadedBytes >= file.totalBytes;
    const file = kept.findLast(isComplete) ?? kept.at(-1);
    if (!file) return;
    this.#address.value = file.url;
    if (isComplete(file)) await this.#fromUrl();
    else this.#offerRest(`${formatShare(file.loadedBytes / file.totalBytes)} are here`);
  }

  async loadFile(file: File): Promise<void> {
    try {
      checkKind(file);
    } catch (error) {
      this.#fault.show(error);
      return;
    }
    await this.#load({ kind: 'file', name: file.name, file });
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
    this.#inUse.hidden = true;
    try {
      const loaded = await this.#progress.during(`Reading ${from.name} …`, (signal) =>
        this.#engine.call('loadWeights', from, {
          signal,
          onProgress: (progress) => this.#show(progress),
        }),
      );
      if (loaded) this.#use(loaded, from);
      else this.#offerAgain(from);
    } catch (error) {
      this.#offerAgain(undefined);
      this.#fault.show(error, () => void this.#load(from));
    }
  }

  #use({ name, bytes }: LoadedWeights, from: WeightsFrom): void {
    const others = button('Use others', () => {
      this.#fault.clear();
      this.#offerAgain(undefined);
    });
    this.#inUse.replaceChildren(
      element('span', { class: 'weights-name' }, `Weights: ${name}, ${formatBytes(bytes)}`),
      others,
      ...(from.kind === 'url' ? [this.#forgetButton(from.url)] : []),
    );
    this.#inUse.hidden = false;
    this.#onLoaded();
  }

  #forgetButton(url: string): HTMLElement {
    const made = button('Delete from this browser', () => {
      made.disabled = true;
      this.#download.textContent = 'Download';
      this.#engine.call('forgetWeights', url).then(
        () => made.replaceChildren('Deleted; in use until you leave'),
        (error: unknown) => this.#fault.show(error),
      );
    });
    return made;
  }

  /** `stopped` is the download that was cancelled, if one was. */
  #offerAgain(stopped: WeightsFrom | undefined): void {
    this.#offer.hidden = false;
    // Weights from before are still in use.
    this.#inUse.hidden = this.#inUse.childElementCount === 0;
    if (stopped?.kind === 'url') this.#offerRest();
  }

  #offerRest(detail = ''): void {
    this.#download.textContent = `Go on with the download${detail && ` (${detail})`}`;
  }

  #show({ stage, done, total, bytesPerSecond }: WeightsProgress): void {
    const amounts =
      stage === 'download'
        ? `${formatBytes(done)} of ${formatBytes(total)}, ${formatBytes(Math.round(bytesPerSecond ?? 0))}/s`
        : `${done} of ${total}`;
    this.#progress.show(`${STAGES[stage]}: ${amounts}`, done / total);
  }
}

/** Throws an Error for what is no file of weights. */
function checkKind(file: File): void {
  if (kindOf(file) === 'weights') return;
  throw new Error(`“${file.name}” is a picture; weights are .safetensors or .onnx files`);
}
