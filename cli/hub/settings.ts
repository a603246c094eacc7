/** How the Hugging Face hub is reached, from the environment variables that its Python client reads. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { WeightError } from '../../src/index.ts';

export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Whether only the cache may be used. */
  readonly offline: boolean;
  /** The folder of the hub's cache, which Python programs on this machine share. */
  readonly cache: string;
}

const HUB = 'https://huggingface.co';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings of `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`, `HF_HUB_CACHE`, `HF_HOME`
 * and `XDG_CACHE_HOME`; `endpoint` goes before the first. Throws WeightError for an endpoint that is no URL.
 */
export function hubSettings(endpoint?: string, env: Environment = process.env): HubSettings {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: checkEndpoint(endpoint ?? (env.HF_ENDPOINT || HUB)),
    token: findToken(env, home),
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    cache: env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub'),
  };
}

function checkEndpoint(endpoint: string): string {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new WeightError(
      `endpoint "${endpoint}" is no http or https URL; the hub's own is ${HUB} (see --endpoint and HF_ENDPOINT)`,
    );
  }
  return endpoint.replace(/\/+$/, '');
}

/** In a variable, or in the file where `hf auth login` leaves it. */
function findToken(env: Environment, home: string): string | undefined {
  const given = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN;
  const token = (given || readToken(env.HF_TOKEN_PATH || join(home, 'token')))?.trim();
  if (!token) return undefined;
  if (!/^hf_\w+$/.test(token)) {
    throw new WeightError(
      `the hub's access token starts with "hf_" and holds no spaces; the one in ${given ? 'HF_TOKEN' : 'the token file'} does not`,
    );
  }
  return token;
}

function readToken(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
