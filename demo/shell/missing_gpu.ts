import { element } from '../dom.ts';

/** Where the page runs, and what to do there: without WebGPU, and where it offers no adapter. */
interface Advice {
  readonly where: string;
  /** Tells the browser and its system from the user agent. */
  readonly agent: RegExp;
  readonly webGpu: string;
  readonly adapter: string;
}

const CHROME_SWITCH =
  'Check that “Use graphics acceleration when available” is on in the settings, under System';

/** The first that fits is this browser. */
const ADVICE: readonly Advice[] = [
  {
    where: 'browsers on iPhone and iPad',
    agent: /iPhone|iPad/,
    webGpu:
      'They have WebGPU from iOS and iPadOS 26. In Safari 18, switch it on in Settings, Apps, Safari, Advanced, Feature Flags.',
    adapter: 'Switch Lockdown Mode off for this page, which takes WebGPU away, and load it again.',
  },
  {
    where: 'Firefox on Windows and macOS',
    agent: /(Windows|Macintosh).*Firefox\//,
    webGpu: 'Firefox has WebGPU on Windows from version 141, and on Macs from 145: update it.',
    adapter:
      'Check in about:support, under Graphics, why WebGPU is blocked; update the graphics driver, on a Mac the system.',
  },
  {
    where: 'Firefox on Linux and Android',
    agent: /Firefox\//,
    webGpu:
      'Use Firefox Nightly, or set dom.webgpu.enabled to true in about:config and start it again.',
    adapter:
      'Firefox needs a Vulkan driver: on Linux install your GPU’s, or Mesa’s lavapipe, which computes on the CPU (mesa-vulkan-drivers), and start it again.',
  },
  {
    where: 'Chrome, Edge and Opera on ChromeOS',
    agent: /CrOS.*Chrome\//,
    webGpu: 'Version 113 or newer has WebGPU on most Chromebooks: update the system.',
    adapter: `${CHROME_SWITCH}, and update the system, which brings the graphics driver.`,
  },
  {
    where: 'Chrome on Android',
    agent: /Android.*Chrome\//,
    webGpu: 'Android 12 or newer and Chrome 121 or newer have WebGPU on most phones.',
    adapter:
      'Update Android, which brings the graphics driver, and Chrome; a few GPUs are not supported.',
  },
  {
    where: 'Chrome, Edge and Opera on Linux',
    agent: /Linux.*Chrome\//,
    webGpu:
      'Update first: newer versions offer WebGPU on more drivers. If it is still missing, switch on “Unsafe WebGPU Support” and “Vulkan” in chrome://flags.',
    adapter:
      'See in chrome://gpu what the driver lacks. Install your GPU’s Vulkan driver, or Mesa’s lavapipe, which computes on the CPU (mesa-vulkan-drivers); switch on “Unsafe WebGPU Support” and “Vulkan” in chrome://flags, and start the browser again.',
  },
  {
    where: 'Chrome, Edge and Opera on macOS',
    agent: /Macintosh.*Chrome\//,
    webGpu: 'Version 113 or newer has WebGPU: update the browser.',
    adapter: `${CHROME_SWITCH}, update macOS, which brings the graphics driver, and start the browser again.`,
  },
  {
    where: 'Chrome, Edge and Opera on Windows',
    agent: /Windows.*Chrome\//,
    webGpu: 'Version 113 or newer has WebGPU: update the browser.',
    adapter: `${CHROME_SWITCH}, update the graphics driver from the maker of the GPU, and start the browser again.`,
  },
  {
    where: 'Safari on macOS',
    agent: /Macintosh.*Safari\//,
    webGpu:
      'Safari 26 has WebGPU. In Safari 18, switch it on in Settings, Feature Flags (shown by “Show features for web developers” under Advanced).',
    adapter:
      'Switch Lockdown Mode off for this page, which takes WebGPU away, and update macOS, which brings the graphics driver.',
  },
];

const HEADINGS = {
  WebGPU: 'This browser does not offer WebGPU here',
  adapter: 'This browser has WebGPU, but offers no GPU for it',
} as const;

/** What to do where the browser has no WebGPU, or WebGPU but no adapter. */
export function missingGpu(what: 'WebGPU' | 'adapter'): HTMLElement {
  const here = ADVICE.find(({ agent }) => agent.test(navigator.userAgent));
  const others = ADVICE.filter((advice) => advice !== here);
  const stepsOf = ({ webGpu, adapter }: Advice): string => (what === 'WebGPU' ? webGpu : adapter);
  return element(
    'section',
    { class: 'missing' },
    element('h1', {}, HEADINGS[what]),
    element('p', {}, 'Tilewise computes on your own GPU, by WebGPU. Nothing is sent anywhere.'),
    ...(isSecureContext ? [] : [element('p', { class: 'fault' }, INSECURE)]),
    ...(here
      ? [element('h2', {}, `What to do in ${here.where}`), element('p', {}, stepsOf(here))]
      : []),
    element('h2', {}, here ? 'Other browsers' : 'What to do'),
    element(
      'dl',
      {},
      ...others.flatMap((advice) => [
        element('dt', {}, advice.where),
        element('dd', {}, stepsOf(advice)),
      ]),
    ),
  );
}

const INSECURE =
  'This page was not loaded over HTTPS or from localhost; browsers offer WebGPU only there.';
