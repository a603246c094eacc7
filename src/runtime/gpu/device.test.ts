import { describe, expect, it } from 'vitest';
import { useDevices } from '../../../test/fixtures/device.ts';
import { kindOf } from '../device_profile.ts';
import { adapterFacts, Device } from './device.ts';

const open = useDevices();

function fakeAdapter(info: Partial<GPUAdapterInfo>): GPUAdapter {
  const all = { vendor: '', architecture: '', device: '', description: '', ...info };
  return {
    info: all,
    features: new Set(['subgroups', 'bgra8unorm-storage']),
  } as unknown as GPUAdapter;
}

describe('Device', () => {
  it('says what it is, and what it can do', async () => {
    const { adapter, profile } = await open();
    expect(adapter.name).not.toBe('');
    expect(kindOf(profile)).toBe(adapter.software ? 'cpu' : 'gpu');
    expect(profile.limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8);
    expect(profile.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(128);
    expect(profile.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
  });

  it('throws DeviceLostError once it is gone, with the reason and the remedy', async () => {
    const device = await open();
    device.checkAlive();
    device.dispose();
    device.dispose();
    await device.gpu.lost;
    expect(() => device.checkAlive()).toThrow(
      expect.objectContaining({
        name: 'DeviceLostError',
        message: expect.stringMatching(
          /^the GPU device was lost \(destroyed\): .*open a new device$/s,
        ),
      }),
    );
  });

  it('is restored once for all who ask, under a new generation', async () => {
    const device = await open();
    const before = device.gpu;
    before.destroy();
    await before.lost;
    expect(device.lost).toBe(true);
    await Promise.all([device.restore(), device.restore()]);
    expect(device.lost).toBe(false);
    expect(device.gpu).not.toBe(before);
    expect(device.generation).toBe(1);
    device.checkAlive();
    await device.restore();
    expect(device.generation).toBe(1);
  });

  it('tells how to get an adapter where there is none', async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    await expect(Device.open(none)).rejects.toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: expect.stringMatching(/^WebGPU found no adapter in Object; .*install/),
      }),
    );
  });
});

describe('adapterFacts', () => {
  it.each<[Partial<GPUAdapterInfo>, string, boolean]>([
    [
      { vendor: 'nvidia', architecture: 'hopper', device: '2330', description: 'NVIDIA H100' },
      'NVIDIA H100 (nvidia, hopper)',
      false,
    ],
    [{ vendor: 'apple', architecture: 'metal-3' }, 'WebGPU adapter (apple, metal-3)', false],
    [{}, 'WebGPU adapter', false],
    [
      { vendor: 'google', architecture: 'swiftshader', description: 'SwiftShader driver 5.0.0' },
      'SwiftShader driver 5.0.0 (google, swiftshader)',
      true,
    ],
    [
      { vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6)' },
      'llvmpipe (LLVM 15.0.6) (mesa)',
      true,
    ],
    [{ description: 'Microsoft Basic Render Driver' }, 'Microsoft Basic Render Driver', true],
    [{ vendor: 'acme', isFallbackAdapter: true }, 'WebGPU adapter (acme)', true],
  ])('of %j are "%s", software: %s', (info, name, software) => {
    expect(adapterFacts(fakeAdapter(info))).toMatchObject({ name, software });
  });

  it('list the features in order', () => {
    expect(adapterFacts(fakeAdapter({})).features).toEqual(['bgra8unorm-storage', 'subgroups']);
  });
});
