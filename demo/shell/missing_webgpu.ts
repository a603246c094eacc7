import { element } from '../dom.ts';

interface Advice {
  readonly browser: string;
  /** Tells the browser from its user agent. */
  readonly agent: RegExp;
  readonly steps: string;
}

/** The first that fits is this browser. */
const ADVICE: readonly Advice[] = [
  {
    browser: 'Firefox',
    agent: /Firefox\//,
    steps:
      'Firefox has WebGPU on Windows from version 141, and on Macs with Apple silicon from 145. Elsewhere set dom.webgpu.enabled to true in about:config, or use Firefox Nightly.',
  },
  {
    browser: 'Chrome, Edge and Opera on Linux',
    agent: /Linux(?!.*Android).*Chrome\//,
    steps:
      'Update first: newer versions offer WebGPU on more drivers. If it is still missing, switch on “Unsafe WebGPU Support” and “Vulkan” in chrome://flags, and see in chrome://gpu what the driver lacks.',
  },
  {
    browser: 'Chrome on Android',
    agent: /Android.*Chrome\//,
    steps: 'Android 12 or newer and Chrome 121 or newer have WebGPU on most phones.',
  },
  {
    browser: 'Chrome, Edge and Opera on Windows, macOS and ChromeOS',
    agent: /Chrome\//,
    steps:
      'Version 113 or newer has WebGPU. Check that “Use graphics acceleration when available” is on in the settings, under System.',
  },
  {
    browser: 'Safari',
    agent: /Safari\//,
    steps:
      'Safari 26 (macOS 26, iOS 26, visionOS 26) has WebGPU. In older versions switch it on in Settings, Feature Flags; on iOS in Settings, Apps, Safari, Advanced, Feature Flags.',
  },
];

/** What to do where the browser has no WebGPU; nothing where it has. */
export function missingWebGpu(): HTMLElement | undefined {
  if ('gpu' in navigator && navigator.gpu) return undefined;
  const here = ADVICE.find(({ agent }) => agent.test(navigator.userAgent));
  const others = ADVICE.filter((advice) => advice !== here);
  return element(
    'section',
    { class: 'missing' },
    element('h1', {}, 'This browser does not offer WebGPU here'),
    element('p', {}, 'Tilewise computes on your own GPU, by WebGPU. Nothing is sent anywhere.'),
    ...(isSecureContext ? [] : [element('p', { class: 'fault' }, INSECURE)]),
    ...(here
      ? [element('h2', {}, `What to do in ${here.browser}`), element('p', {}, here.steps)]
      : []),
    element('h2', {}, here ? 'Other browsers' : 'What to do'),
    element(
      'dl',
      {},
      ...others.flatMap(({ browser, steps }) => [
        element('dt', {}, browser),
        element('dd', {}, steps),
      ]),
    ),
  );
}

const INSECURE =
  'This page was not loaded over HTTPS or from localhost; browsers offer WebGPU only there.';
