import { describe, expect, it } from 'vitest';
import { hottestLoop } from './hot_loop.ts';
import { parseLog } from './machine_code.ts';

/** Two shaders: nested loops with a dual instruction, then straight code. */
const LOG = `## a name
Compute Shader
disasm:
BB0:
\ts_nop 0                               ; bf800000
\t(then repeated 8 times)
\tv_mov_b32_e32 v0, 0                   ; 7e000280
BB1:
\tbuffer_load_b32 v1, v0, s[0:3], 0 offen ; e0500000
BB2:
\ts_delay_alu instid0(VALU_DEP_1)       ; bf870001
\tds_load_b128 v[4:7], v2               ; dbfc0000
\tv_fmac_f32_e32 v8, v4, v5             ; 56100b04
\tv_dual_fmac_f32 v9, v4, v5 :: v_dual_add_f32 v10, v6, v7 ; c8000000
\tv_lshlrev_b32_e32 v2, 2, v3           ; 30040682
\ts_waitcnt lgkmcnt(0)                  ; bf89fc07
\ts_cbranch_scc0 BB2                    ; bfa1fff0
BB3:
\tv_fma_f32 v8, v8, v9, v10             ; d6130008
\ts_cbranch_scc0 BB1                    ; bfa1ffe0
BB4:
\ts_endpgm                              ; bfb00000


Compute Shader:
*** SHADER STATS ***
VGPRs: 96
Spilled VGPRs: 2
LDS size: 8192
Subgroups per SIMD: 8
********************

disasm:
BB0:
\ts_cbranch_execz BB1                   ; bfa50001
BB1:
\ts_endpgm                              ; bfb00000
*** SHADER STATS ***
VGPRs: 12
********************
`;

describe('parseLog', () => {
  it('finds every shader with its blocks and statistics', () => {
    const [first, second, ...others] = parseLog(LOG);
    expect(others).toEqual([]);
    expect(first?.blocks.map(({ label }) => label)).toEqual(['BB0', 'BB1', 'BB2', 'BB3', 'BB4']);
    expect(first?.blocks[0]?.instructions).toEqual([
      { op: 's_nop', operands: '0' },
      { op: 'v_mov_b32_e32', operands: 'v0, 0' },
    ]);
    expect(first?.stats.get('Spilled VGPRs')).toBe(2);
    expect(first?.stats.get('LDS size')).toBe(8192);
    expect(second?.stats.get('VGPRs')).toBe(12);
  });

  it('finds nothing in a log of something else', () => {
    expect(parseLog('DRM_IOCTL_GET_CAP: unhandled 0x10\n')).toEqual([]);
  });
});

describe('hottestLoop', () => {
  it('counts the innermost loop: a dual instruction once, waits never', () => {
    const [shader] = parseLog(LOG);
    expect(shader && hottestLoop(shader)).toEqual({
      multiplyAdds: 2,
      vector: 2,
      workgroupMemory: 1,
      memory: 0,
      scalar: 1,
      slots: 5,
    });
  });

  it('is undefined where branches only lead forwards', () => {
    const [, shader] = parseLog(LOG);
    expect(shader && hottestLoop(shader)).toBeUndefined();
  });
});
