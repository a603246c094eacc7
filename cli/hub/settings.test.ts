import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/fixtures/cli.ts';
import { hubSettings } from './settings.ts';

const folder = temporaryFolder();

describe('hubSettings', () => {
  it('are those of the hub where nothing is set', () => {
    expect(hubSettings(undefined, { HF_TOKEN_PATH: join(folder, 'none') })).toEqual({
      endpoint: 'https://huggingface.co',
      token: undefined,
      offline: false,
      cache: join(homedir(), '.cache', 'huggingface', 'hub'),
    });
  });

  it('take the option before HF_ENDPOINT, and no slash at the end', () => {
    const env = { HF_ENDPOINT: 'https://mirror.example/hf/' };
    expect(hubSettings(undefined, env).endpoint).toBe('https://mirror.example/hf');
    expect(hubSettings('http://other.example', env).endpoint).toBe('http://other.example');
    expect(() => hubSettings('mirror.example', env)).toThrow(
      /"mirror\.example" is no http or https/,
    );
    expect(() => hubSettings('file:///etc', env)).toThrow(/is no http or https URL/);
  });

  it('take the token of HF_TOKEN, then of HF_TOKEN_PATH, then of HF_HOME', () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'token'), 'hf_ofhome\n');
    writeFileSync(join(folder, 'token'), 'hf_ofpath\n');
    const path = join(folder, 'token');
    const tokenOf = (env: Readonly<Record<string, string>>) => hubSettings(undefined, env).token;
    expect(tokenOf({ HF_HOME: home })).toBe('hf_ofhome');
    expect(tokenOf({ HF_HOME: home, HF_TOKEN_PATH: path })).toBe('hf_ofpath');
    expect(tokenOf({ HF_HOME: home, HF_TOKEN_PATH: path, HF_TOKEN: 'hf_own' })).toBe('hf_own');
    expect(() => tokenOf({ HF_TOKEN: 'secret stuff' })).toThrow(
      /^(?!.*secret).*starts with "hf_".*HF_TOKEN/,
    );
  });

  it('find the cache by HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME', () => {
    const cacheOf = (env: Readonly<Record<string, string>>) => hubSettings(undefined, env).cache;
    const xdg = { XDG_CACHE_HOME: '/x' };
    expect(cacheOf(xdg)).toBe(join('/x', 'huggingface', 'hub'));
    expect(cacheOf({ ...xdg, HF_HOME: '/h' })).toBe(join('/h', 'hub'));
    expect(cacheOf({ ...xdg, HF_HOME: '/h', HF_HUB_CACHE: '/c' })).toBe('/c');
  });

  it.each([
    ['1', true],
    ['YES', true],
    ['on', true],
    ['true', true],
    ['0', false],
    ['', false],
  ])('are offline for HF_HUB_OFFLINE=%s: %s', (value, offline) => {
    expect(hubSettings(undefined, { HF_HUB_OFFLINE: value }).offline).toBe(offline);
  });
});
