import { describe, expect, it } from 'vitest';
import { formatHubReference, parseHubReference } from './reference.ts';

describe('parseHubReference', () => {
  it.each([
    ['hf:timm/resnet50.tv_in1k', 'timm/resnet50.tv_in1k', 'main', undefined],
    ['hf://timm/resnet50.tv_in1k', 'timm/resnet50.tv_in1k', 'main', undefined],
    ['hf:a/b@v1.0', 'a/b', 'v1.0', undefined],
    ['hf:a/b/c.safetensors', 'a/b', 'main', 'c.safetensors'],
    ['hf:a/b@v1/folder/c.safetensors', 'a/b', 'v1', 'folder/c.safetensors'],
    ['hf:a/b@refs/pr/3/c.safetensors', 'a/b', 'refs/pr/3', 'c.safetensors'],
    ['hf:a/b@my%2Fbranch/c.safetensors', 'a/b', 'my/branch', 'c.safetensors'],
  ])('%s', (text, repo, revision, file) => {
    expect(parseHubReference(text)).toEqual({ repo, revision, file });
  });

  it.each([
    'hf:',
    'hf:name',
    'hf:../b',
    'hf:a/..',
    'hf:a/b c',
    'hf:a/b@',
    'hf:a/b@..%2F..%2Fx',
    'hf:a/b@%',
    'hf:a/b/../../c.safetensors',
    'hf:a/b//c.safetensors',
    'hf:a/b/c\\d.safetensors',
    'a/b',
  ])('refuses %s', (text) => {
    expect(() => parseHubReference(text)).toThrow(/names no weights on the hub; expected hf:owner/);
  });

  it('takes no other format than safetensors', () => {
    expect(() => parseHubReference('hf:a/b/pytorch_model.bin')).toThrow(
      /expected a \.safetensors file, got "pytorch_model\.bin"/,
    );
  });

  it('is undone by formatHubReference', () => {
    for (const text of ['hf:a/b', 'hf:a/b@v1', 'hf:a/b@v1/c.safetensors', 'hf:a/b/c.safetensors']) {
      expect(formatHubReference(parseHubReference(text))).toBe(text);
    }
  });
});
