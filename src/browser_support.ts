/** Which browsers have WebGPU, and what to do in those that have none: known by browser and system. */

/** What is known of where code runs, as far as a browser tells it. */
export interface Surroundings {
  /** `navigator.userAgent`. */
  readonly userAgent?: string;
  /** Of browsers made of Chromium; its platform is `Windows`, `macOS`, `Linux`, `Android`, `Chrome OS`. */
  readonly userAgentData?:
    | {
        /** `navigator.userAgentData.platform`. */
        readonly platform: string;
      }
    | undefined;
  /** More than 1 on an iPad, which calls itself a Macintosh. */
  readonly maxTouchPoints?: number | undefined;
  /** `globalThis.isSecureContext`: HTTPS, or localhost. */
  readonly isSecureContext?: boolean | undefined;
  /** Whether it is a service worker that asks. */
  readonly inServiceWorker?: boolean;
  /** `navigator.gpu`. */
  readonly gpu?: GPU | undefined;
}

/** A browser on a system. */
export interface BrowserSupport {
  /** `Chrome, Edge and Opera on Windows`. */
  readonly where: string;
  /** Which versions have WebGPU, and on what. */
  readonly versions: string;
}

type Browser = 'Chromium' | 'Firefox' | 'Safari';
type System = 'Windows' | 'macOS' | 'Linux' | 'Android' | 'ChromeOS' | 'iOS';

export interface BrowserRow extends BrowserSupport {
  readonly browser: Browser;
  readonly system: System;
  /** The first version that has WebGPU by default. */
  readonly since?: number;
  /** How to get that version. */
  readonly update: string;
  /** What to do where the version has WebGPU, or is not known, and the page has none. */
  readonly missing: string;
  /** What to do where WebGPU offers no adapter. */
  readonly noAdapter: string;
}

const UPDATE = 'update the browser, and where it has no newer version, the system';
const CHROME_SWITCH =
  'Check that “Use graphics acceleration when available” is on in the settings, under System';
const CHROME_FLAGS = 'switch on “Unsafe WebGPU Support” and “Vulkan” in chrome://flags';

/** The first that fits is where the page runs. */
const ROWS: readonly BrowserRow[] = [
  {
    where: 'browsers on iPhone and iPad',
    browser: 'Safari',
    system: 'iOS',
    since: 26,
    versions: 'from iOS and iPadOS 26',
    update: 'update the system in Settings, General, Software Update',
    missing:
      'It comes with iOS and iPadOS 26: update in Settings, General, Software Update. If this is 26 or newer, switch Lockdown Mode off for this page, and load it again.',
    noAdapter:
      'Switch Lockdown Mode off for this page, which takes WebGPU away, and load it again.',
  },
  {
    where: 'Chrome, Edge and Opera on Windows',
    browser: 'Chromium',
    system: 'Windows',
    since: 113,
    versions: 'from 113; on ARM64 behind a flag',
    update: UPDATE,
    missing:
      'On ARM64, switch on “Unsafe WebGPU Support” in chrome://flags. Elsewhere chrome://gpu tells what switched WebGPU off: a flag, or a policy of who runs this computer.',
    noAdapter: `${CHROME_SWITCH}, update the graphics driver from the maker of the GPU, and start the browser again.`,
  },
  {
    where: 'Chrome, Edge and Opera on macOS',
    browser: 'Chromium',
    system: 'macOS',
    since: 113,
    versions: 'from 113',
    update: UPDATE,
    missing:
      'chrome://gpu tells what switched WebGPU off: a flag, or a policy of who runs this computer.',
    noAdapter: `${CHROME_SWITCH}, update macOS, which brings the graphics driver, and start the browser again.`,
  },
  {
    where: 'Chrome, Edge and Opera on Linux',
    browser: 'Chromium',
    system: 'Linux',
    since: 144,
    versions:
      'from 144 on Intel GPUs (Gen12), from 147 on NVIDIA GPUs (driver 535.183); on others behind flags',
    update: `update the browser, or ${CHROME_FLAGS}, and start it again`,
    missing: `chrome://gpu tells what is lacking. On other GPUs than Intel’s and NVIDIA’s, ${CHROME_FLAGS}, and start the browser again.`,
    noAdapter: `See in chrome://gpu what the driver lacks. Install your GPU’s Vulkan driver, or Mesa’s lavapipe, which computes on the CPU (mesa-vulkan-drivers); ${CHROME_FLAGS}, and start the browser again.`,
  },
  {
    where: 'Chrome, Edge and Opera on ChromeOS',
    browser: 'Chromium',
    system: 'ChromeOS',
    since: 113,
    versions: 'from 113',
    update: 'update the system, which brings the browser',
    missing:
      'chrome://gpu tells what switched WebGPU off; a few older Chromebooks have no driver for it.',
    noAdapter: `${CHROME_SWITCH}, and update the system, which brings the graphics driver.`,
  },
  {
    where: 'Chrome on Android',
    browser: 'Chromium',
    system: 'Android',
    since: 121,
    versions:
      'from 121 and Android 12 on GPUs of Qualcomm, ARM and Intel; from 139 and Android 16 on those of Imagination',
    update: 'update Chrome in the Play Store',
    missing:
      'It takes Android 12, and a GPU of Qualcomm, ARM or Intel, or Android 16 with one of Imagination. Update Android if there is an update; inside another app, open the page in Chrome.',
    noAdapter:
      'Update Android, which brings the graphics driver, and Chrome; a few GPUs are not supported.',
  },
  {
    where: 'Firefox on Windows',
    browser: 'Firefox',
    system: 'Windows',
    since: 141,
    versions: 'from 141',
    update: UPDATE,
    missing: 'Check that dom.webgpu.enabled is true in about:config, and start Firefox again.',
    noAdapter:
      'Check in about:support, under Graphics, why WebGPU is blocked; update the graphics driver.',
  },
  {
    where: 'Firefox on macOS',
    browser: 'Firefox',
    system: 'macOS',
    since: 145,
    versions: 'on Apple silicon from 147, on macOS 26 from 145; not on Intel',
    update: UPDATE,
    missing:
      'It takes Apple silicon, and version 147, or macOS 26. On a Mac with an Intel processor use Chrome, or Safari on macOS 26.',
    noAdapter:
      'Check in about:support, under Graphics, why WebGPU is blocked, and update macOS. On a Mac with an Intel processor use Chrome, or Safari on macOS 26.',
  },
  {
    where: 'Firefox on Linux',
    browser: 'Firefox',
    system: 'Linux',
    versions: 'in Nightly; in others by dom.webgpu.enabled in about:config',
    update: UPDATE,
    missing:
      'Set dom.webgpu.enabled to true in about:config and start Firefox again, or use Firefox Nightly.',
    noAdapter:
      'Firefox needs a Vulkan driver: install your GPU’s, or Mesa’s lavapipe, which computes on the CPU (mesa-vulkan-drivers), and start it again.',
  },
  {
    where: 'Firefox on Android',
    browser: 'Firefox',
    system: 'Android',
    versions: 'none',
    update: UPDATE,
    missing: 'Firefox has none on Android yet: open the page in Chrome.',
    noAdapter: 'Open the page in Chrome; Firefox does not support the GPUs of most phones yet.',
  },
  {
    where: 'Safari on macOS',
    browser: 'Safari',
    system: 'macOS',
    since: 26,
    versions: 'from 26, on macOS 26 and newer only',
    update: 'update macOS to 26 or newer, or open the page in Chrome',
    missing:
      'Safari 26 has it on macOS 26 or newer only: update macOS, or open the page in Chrome. If this is macOS 26, switch Lockdown Mode off for this page.',
    noAdapter:
      'Switch Lockdown Mode off for this page, which takes WebGPU away, and update macOS, which brings the graphics driver.',
  },
];

/**
 * Which browsers have WebGPU by default, from which version, on which system.
 *
 * @example
 * const firefox = browserSupport.filter(({ where }) => where.startsWith('Firefox'));
 * console.log(firefox.map(({ where, versions }) => `${where}: ${versions}`).join('\n'));
 */
export const browserSupport: readonly BrowserSupport[] = ROWS;

/** The row of a browser and its system, where they are recognised. */
export function rowOf(surroundings: Surroundings): BrowserRow | undefined {
  const system = systemOf(surroundings);
  const browser = system === 'iOS' ? 'Safari' : browserOf(surroundings);
  return ROWS.find((row) => row.browser === browser && row.system === system);
}

/** In order: Android calls itself Linux, too, and an iPad a Macintosh, if with a screen that is touched. */
const SYSTEMS: readonly (readonly [System, RegExp])[] = [
  ['iOS', /iPhone|iPad|iPod|^iOS$/],
  ['Android', /Android/],
  ['ChromeOS', /CrOS|Chrome ?OS/],
  ['Windows', /Windows/],
  ['macOS', /Macintosh|macOS/],
  ['Linux', /Linux/],
];

function systemOf(surroundings: Surroundings): System | undefined {
  const { userAgent = '', userAgentData, maxTouchPoints = 0 } = surroundings;
  const system = systemIn(userAgentData?.platform) ?? systemIn(userAgent);
  return system === 'macOS' && maxTouchPoints > 1 ? 'iOS' : system;
}

function systemIn(text = ''): System | undefined {
  return SYSTEMS.find(([, pattern]) => pattern.test(text))?.[0];
}

/** In order: Chromium calls itself Safari, too. */
const VERSIONS: readonly (readonly [Browser, RegExp])[] = [
  ['Firefox', /Firefox\/(\d+)/],
  ['Chromium', /Chrom(?:e|ium)\/(\d+)/],
  ['Safari', /Version\/(\d+).*Safari\//],
];

function browserOf({ userAgent = '' }: Surroundings): Browser | undefined {
  return VERSIONS.find(([, pattern]) => pattern.test(userAgent))?.[0];
}

/** Its major version; undefined where the user agent does not tell it, as in Chrome on an iPhone. */
export function versionOf(browser: Browser, { userAgent = '' }: Surroundings): number | undefined {
  const pattern = VERSIONS.find(([name]) => name === browser)?.[1];
  const [, version] = pattern?.exec(userAgent) ?? [];
  return version === undefined ? undefined : Number(version);
}
