import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { browserSupport, type Surroundings } from './browser_support.ts';
import { explainLack, isSupported } from './is_supported.ts';

const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit';
const NT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64';
const X11 = 'Mozilla/5.0 (X11; Linux x86_64';
const PHONE = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)';
const chrome = (version: number): string =>
  `AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;

const IOS = 'browsers on iPhone and iPad';
const WINDOWS = 'Chrome, Edge and Opera on Windows';
const MACOS = 'Chrome, Edge and Opera on macOS';
const LINUX = 'Chrome, Edge and Opera on Linux';
const ANDROID = 'Chrome on Android';

/** What user agents say without WebGPU: where that is, and a word of what to do. */
type AgentCase = readonly [
  what: string,
  userAgent: string,
  where: string | undefined,
  remedy: RegExp,
  more?: Surroundings,
];

const AGENTS: readonly AgentCase[] = [
  [
    'Chrome 109, the last on Windows 7',
    `${NT}) ${chrome(109)}`,
    WINDOWS,
    /113, and this is 109: .*system/,
  ],
  ['Chrome 143 on Windows', `${NT}) ${chrome(143)}`, WINDOWS, /ARM64.*policy/],
  ['Edge on Windows', `${NT}) ${chrome(143)} Edg/143.0.0.0`, WINDOWS, /ARM64.*policy/],
  [
    'the last Edge before Chromium',
    `${NT}) ${chrome(64)} Edge/18.17763`,
    WINDOWS,
    /this is 64: update/,
  ],
  [
    'Opera on macOS',
    `${MAC}/537.36 (KHTML, like Gecko) Chrome/112.0.0.0 Safari/537.36 OPR/98.0.0.0`,
    MACOS,
    /this is 112: update/,
  ],
  [
    'Chrome on macOS',
    `${MAC}/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36`,
    MACOS,
    /chrome:\/\/gpu/,
  ],
  ['Chrome 138 on Linux', `${X11}) ${chrome(138)}`, LINUX, /144, and this is 138: .*flags/],
  ['Chrome 146 on Linux', `${X11}) ${chrome(146)}`, LINUX, /other GPUs.*flags/],
  [
    'Chromium on Linux, as it calls itself',
    `${X11}) AppleWebKit/537.36 (KHTML, like Gecko) Chromium/120.0.0.0 Safari/537.36`,
    LINUX,
    /this is 120/,
  ],
  [
    'Chrome on a Chromebook',
    `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${chrome(143)}`,
    'Chrome, Edge and Opera on ChromeOS',
    /Chromebooks/,
  ],
  [
    'Chrome on an older phone',
    `${PHONE} Chrome/110.0.0.0 Mobile Safari/537.36`,
    ANDROID,
    /this is 110: update Chrome/,
  ],
  ['Chrome on Android', `${PHONE} Chrome/143.0.0.0 Mobile Safari/537.36`, ANDROID, /Android 12/],
  [
    'Samsung Internet',
    `${PHONE} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
    ANDROID,
    /Android 12/,
  ],
  [
    'an app’s own view on Android',
    'Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/143.0.0.0 Mobile Safari/537.36',
    ANDROID,
    /open the page in Chrome/,
  ],
  [
    'Chrome on Android that asks for desktop pages',
    `${X11}) ${chrome(143)}`,
    ANDROID,
    /Android 12/,
    { userAgentData: { platform: 'Android' } },
  ],
  [
    'Chromium’s own engine on an iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/143.0 Mobile/15E148 Safari/604.1',
    IOS,
    /iOS and iPadOS 26/,
    { userAgentData: { platform: 'iOS' } },
  ],
  [
    'Chrome that hides its platform',
    `${X11}) ${chrome(146)}`,
    LINUX,
    /flags/,
    { userAgentData: { platform: '' } },
  ],
  [
    'Firefox ESR on Windows',
    `${NT}; rv:140.0) Gecko/20100101 Firefox/140.0`,
    'Firefox on Windows',
    /141, and this is 140: update/,
  ],
  [
    'Firefox on Windows',
    `${NT}; rv:150.0) Gecko/20100101 Firefox/150.0`,
    'Firefox on Windows',
    /dom\.webgpu\.enabled/,
  ],
  [
    'Firefox on an Intel Mac',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0',
    'Firefox on macOS',
    /Intel processor/,
  ],
  [
    'Firefox on Linux',
    `${X11}; rv:150.0) Gecko/20100101 Firefox/150.0`,
    'Firefox on Linux',
    /dom\.webgpu\.enabled/,
  ],
  [
    'Firefox on Android',
    'Mozilla/5.0 (Android 15; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0',
    'Firefox on Android',
    /in Chrome/,
  ],
  [
    'Safari 18 on macOS',
    `${MAC}/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`,
    'Safari on macOS',
    /26, and this is 18: update macOS/,
  ],
  [
    'Safari 26 on macOS 15',
    `${MAC}/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15`,
    'Safari on macOS',
    /macOS 26 or newer only/,
  ],
  [
    'Safari on an iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    IOS,
    /26, and this is 18: update the system/,
  ],
  [
    'Safari 26 on an iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
    IOS,
    /Lockdown Mode/,
  ],
  [
    'Chrome on an iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/143.0 Mobile/15E148 Safari/604.1',
    IOS,
    /iOS and iPadOS 26/,
  ],
  [
    'Firefox on an iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15',
    IOS,
    /iOS and iPadOS 26/,
  ],
  [
    'an iPad, which calls itself a Macintosh',
    `${MAC}/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`,
    IOS,
    /update the system/,
    { maxTouchPoints: 5 },
  ],
  ['a browser that nobody knows', 'Lynx/2.9.0 libwww-FM/2.14', undefined, /Chrome or Edge/],
  ['Node', 'Node.js/22', undefined, /Chrome or Edge/],
  [
    'a service worker of Firefox',
    `${NT}; rv:150.0) Gecko/20100101 Firefox/150.0`,
    'Firefox on Windows',
    /service workers: compute in the page/,
    { inServiceWorker: true },
  ],
];

const offering = (adapter: () => Promise<GPUAdapter | null>): Surroundings => ({
  gpu: { requestAdapter: adapter } as unknown as GPU,
});

describe('isSupported', () => {
  it.for(AGENTS)(
    'says what to do without WebGPU in %s',
    async ([, userAgent, where, remedy, more]) => {
      const support = await isSupported({ userAgent, isSecureContext: true, ...more });
      expect(support).toMatchObject({ supported: false, lacks: 'WebGPU', where });
      if (!support.supported) {
        expect(support.remedy).toMatch(remedy);
        expect(support.reason).toBe(
          `${where ?? 'this browser'}: there is no WebGPU. ${support.remedy}`,
        );
      }
    },
  );

  it.each([
    [WINDOWS, `${NT}) ${chrome(143)}`, /graphics driver from the maker/],
    [LINUX, `${X11}) ${chrome(146)}`, /mesa-vulkan-drivers/],
    [ANDROID, `${PHONE} Chrome/143.0.0.0 Mobile Safari/537.36`, /^(?!.*[Mm]esa).*Update Android/],
    [
      'Firefox on macOS',
      'Mozilla/5.0 (Macintosh; rv:150.0) Gecko/20100101 Firefox/150.0',
      /about:support/,
    ],
  ])('says what to do without an adapter in %s', async (where, userAgent, remedy) => {
    for (const none of [async () => null, () => Promise.reject(new Error('blocked'))]) {
      const support = await isSupported({ userAgent, ...offering(none) });
      expect(support).toMatchObject({ supported: false, lacks: 'adapter', where });
      expect(support).toMatchObject({ remedy: expect.stringMatching(remedy) });
    }
  });

  it('never names a package of Linux or a file of settings to a phone', () => {
    const phones = AGENTS.filter(([, , where]) => /iPhone|Android/.test(where ?? ''));
    expect(phones.length).toBeGreaterThan(8);
    for (const [, userAgent, , , more] of phones) {
      for (const lack of ['WebGPU', 'adapter'] as const) {
        const { reason } = explainLack(lack, { userAgent, ...more });
        expect(reason).not.toMatch(/mesa|driver from|chrome:\/\/|about:/i);
      }
    }
  });

  it('asks for HTTPS where the page is not secure, and for nothing else', async () => {
    const userAgent = `${NT}) ${chrome(143)}`;
    expect(await isSupported({ userAgent, isSecureContext: false })).toMatchObject({
      lacks: 'secure context',
      where: WINDOWS,
      remedy: 'Load the page over HTTPS, or from localhost: browsers offer WebGPU only there.',
    });
  });

  it('gives the adapter where there is one, whatever the browser', async () => {
    const adapter = { info: {} } as unknown as GPUAdapter;
    const there = offering(async () => adapter);
    const support = await isSupported({ userAgent: 'new', ...there });
    expect(support).toEqual({ supported: true, gpu: there.gpu, adapter });
  });

  it('finds by itself where it runs, which here is Node', async () => {
    expect(await isSupported()).toMatchObject({ lacks: 'WebGPU', where: undefined });
  });
});

describe('browserSupport', () => {
  it('has a row for each browser that is told apart', () => {
    const told = new Set(AGENTS.map(([, , where]) => where));
    expect(browserSupport.filter(({ where }) => !told.has(where))).toEqual([]);
    expect(new Set(browserSupport.map(({ where }) => where)).size).toBe(browserSupport.length);
  });

  it('is the table of docs/browsers.md', () => {
    const text = readFileSync(join(import.meta.dirname, '..', 'docs', 'browsers.md'), 'utf8');
    const [, table = ''] = /^\| browser and system .*\n\|.*\n((?:\|.*\n)+)/m.exec(text) ?? [];
    const cells = table.split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
    const rows = cells.slice(0, -1).map(([, where, versions]) => ({ where, versions }));
    expect(rows).toEqual(browserSupport.map(({ where, versions }) => ({ where, versions })));
  });
});
