import { describe, expect, it, vi } from 'vitest';
import { openNodeGpu } from '../../../node/gpu.ts';
import { useDevices } from '../../../test/fixtures/device.ts';
import { kindOf } from '../device_profile.ts';
import { DeviceLostError } from '../errors.ts';
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

  it('that was adopted has what is experimental, and refuses what is none', async () => {
    const { gpu } = await open();
    const experimental = {
      descriptor: vi.fn(),
      profile: () => ({ units: 7 }),
      offer: vi.fn(),
    };
    expect(Device.from(gpu, { experimental }).profile.units).toBe(7);
    expect(() => Device.from(gpu, { experimental: 5 as never })).toThrow(
      'Device.from: experimental must be an Experiment, got 5',
    );
  });

  it('throws DeviceLostError once it is gone, with the reason and the remedy', async () => {
    const device = await open();
    const { gpu } = device;
    const work = device.use(async () => {
      gpu.destroy();
      throw new Error('something that no one understands');
    });
    await expect(work).rejects.toThrow(
      expect.objectContaining({
        name: 'DeviceLostError',
        message: expect.stringMatching(/^the GPU device was lost \(destroyed\): .*; try again$/s),
      }),
    );
    expect(await device.use(async (opening) => opening.gpu)).toBe(device.gpu);
    expect(device.gpu).not.toBe(gpu);
  });

  it('explains an error by the loss of its own opening, though it has been opened anew since', async () => {
    const device = await open();
    const size = { size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST };
    const mapping = device.use(async ({ gpu }) => {
      const failed = gpu.createBuffer(size).mapAsync(GPUMapMode.READ);
      gpu.destroy();
      await gpu.lost;
      await device.restore();
      await failed;
    });
    await expect(mapping).rejects.toThrow(DeviceLostError);
    expect(device.lost).toBe(false);
  });

  it('leaves errors as they are while it is there', async () => {
    const device = await open();
    const error = new RangeError('mine');
    await expect(device.use(() => Promise.reject(error))).rejects.toBe(error);
  });

  it('refuses work from the moment in which it is disposed of', async () => {
    const device = await open();
    const inFlight = device.use(async () => {
      await device.gpu.lost;
      throw new Error('something that no one understands');
    });
    await Promise.resolve();
    device.dispose();
    device.dispose();
    const disposed = {
      name: 'DeviceLostError',
      message: 'the GPU device was disposed; use another',
    };
    await expect(inFlight).rejects.toThrow(expect.objectContaining(disposed));
    const work = vi.fn();
    await expect(device.use(work)).rejects.toThrow(expect.objectContaining(disposed));
    await device.gpu.lost;
    await expect(device.use(work)).rejects.toThrow(expect.objectContaining(disposed));
    expect(work).not.toHaveBeenCalled();
  });

  it('frees what it is opening anew when it is disposed of', async () => {
    const device = await open();
    device.gpu.destroy();
    await device.gpu.lost;
    const restoring = device.restore();
    device.dispose();
    await expect(restoring).rejects.toThrow('the GPU device was disposed; use another');
    expect((await device.gpu.lost).reason).toBe('destroyed');
  });

  it('says that it cannot be opened anew, and tries again when it is asked to', async () => {
    const node = await openNodeGpu(process.env.TILEWISE_ADAPTER);
    const device = await Device.open(node.gpu);
    vi.spyOn(node.gpu, 'requestAdapter').mockResolvedValueOnce(null);
    device.gpu.destroy();
    await device.gpu.lost;
    await expect(device.use(async () => {})).rejects.toThrow(
      /^the lost GPU device cannot be opened anew: UnsupportedError: Device.open expects a GPU with an adapter, got GPU; .*$/,
    );
    expect(await device.use(async () => 'work')).toBe('work');
    device.dispose();
  });

  it('is restored once for all who ask', async () => {
    const device = await open();
    const before = device.gpu;
    before.destroy();
    await before.lost;
    expect(device.lost).toBe(true);
    await Promise.all([device.restore(), device.restore()]);
    expect(device.lost).toBe(false);
    const { gpu } = device;
    expect(gpu).not.toBe(before);
    await device.restore();
    expect(device.gpu).toBe(gpu);
  });

  it('tells how to get an adapter where there is none', async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    await expect(Device.open(none)).rejects.toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: expect.stringMatching(
          /^Device.open expects a GPU with an adapter, got Object of requestAdapter; isSupported\(\) tells why$/,
        ),
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
    [
      { vendor: 'nvidia', device: 'nvidia-h200', description: 'NVIDIA: 580.159.04' },
      'nvidia-h200: NVIDIA: 580.159.04 (nvidia)',
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
