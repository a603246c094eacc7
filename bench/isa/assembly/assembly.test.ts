import { describe, expect, it } from 'vitest';
import { hottestLoop, type Loop, stepRate } from '../hot_loop.ts';
import type { CompiledPipeline } from '../pipeline_log.ts';
import { machineCodeOf } from './index.ts';

/** A loop in a loop, as each maker's listing shows it, and what a round of the inner one is made of. */
interface Listing {
  readonly text: string;
  readonly inner: Partial<Loop>;
  /** Slots of a round of the outer loop without the inner one. */
  readonly around: number;
}

const LISTINGS: Readonly<Record<string, Listing>> = {
  // The loop's head is entered from below: blocks are not in the order in which they run.
  amd: {
    text: `BB0:
\ts_branch BB2                          ; bfa00003
BB1:
\tbuffer_load_b128 v[0:3], v8, s[0:3], 0 offen ; e05c0000
\ts_waitcnt vmcnt(0)                    ; bf8903f7
BB2:
\tds_store_b128 v9, v[0:3]              ; db7c0000
BB3:
\ts_delay_alu instid0(VALU_DEP_1)       ; bf870001
\tds_load_b128 v[4:7], v2               ; dbfc0000
\tv_fmac_f32_e32 v8, v4, v5             ; 56100b04
\tv_dual_fmac_f32 v9, v4, v5 :: v_dual_add_f32 v10, v6, v7 ; c8000000
\tv_mad_u32_u24 v2, v3, 4, v2           ; d60b0002
\ts_cbranch_scc0 BB3                    ; bfa1fff0
BB4:
\ts_nop 0                               ; bf800000
\t(then repeated 8 times)
\ts_cbranch_scc0 BB1                    ; bfa1ffe0
BB5:
\tv_fma_f32 v8, v8, v9, v10             ; d6130008
\ts_endpgm                              ; bfb00000`,
    inner: { multiplyAdds: 2, vector: 2, workgroupMemory: 1, memory: 0, scalar: 1, slots: 5 },
    around: 3,
  },
  nvidia: {
    text: `block.u 0 L0 [] -> {
      r0      = s2r sr[0x21]                                       // delay=2 wr:0
} -> [1]
block.u 1 L1 [0, 4] -> {
      r4..8   = ld.global.a64.constant.b128 [r2..4]                // delay=1 wr:1
                st.shared.b128 [r1] r4..8                          // delay=2
} -> [2]
block 2 L2 [1, 2] -> {
      r8..12  = ld.shared.b128 [r1.x16+0x40], pT                   // delay=1 wr:0
      r12     = ffma.ftz r8 r9 r12                                 // delay=1 wt=000001
@!p0  r13     = ffma.ftz r8 r10 r13                                // delay=1
      p0      = isetp.lt.u32 r0 0x8                                // delay=13
@p0             bra pT L2                                          // delay=1
} -> [2, 3]
block 3 L3 [2] -> {
                bra !up0 L5                                        // delay=1
} -> [4, 5]
block 5 L5 [3] -> {
                exit                                               // delay=1
} -> []
block 4 L4 [3] -> {
                bar.sync                                           // delay=1
} -> [1]`,
    inner: { multiplyAdds: 2, vector: 1, workgroupMemory: 1, memory: 0, scalar: 1, slots: 5 },
    around: 4,
  },
  intel: {
    text: `mov(8)          g3<1>UD         g0.1<0,1,0>UD                   { align1 WE_all 1Q };
LABEL2:
send(16)        g17UD           g3UD            nullUD          0x04805003                0x00000000
                hdc1 MsgDesc: (untyped surface read, Surface = 3, SIMD16, Mask = 0x0)  mlen 2 { align1 1H };
LABEL1:
send(16)        g25UD           g33UD           nullUD          0x048050fe                0x00000000
                hdc1 MsgDesc: (untyped surface read, Surface = 254, SIMD16, Mask = 0x0)  mlen 2 { align1 1H };
sync nop(1)                     null<0,1,0>UB                   { align1 WE_all 1N $12.dst };
mad(16)         g51<1>F         g51<8,8,1>F     g25<8,8,1>F     g17<1,1,1>F { align1 1H compacted };
mad(16)         g53<1>F         g53<8,8,1>F     g25<8,8,1>F     g19<1,1,1>F { align1 1H compacted };
mad(16)         g3<1>D          g3<8,8,1>D      g5<8,8,1>D      g7<1,1,1>D { align1 1H };
(+f0.0) while(16) JIP:  LABEL1                                  { align1 1H };
(+f0.0) break(16) JIP:  LABEL3        UIP:  LABEL3              { align1 1H };
LABEL3:
while(16)       JIP:  LABEL2                                    { align1 1H };
send(16)        nullUD          g127UD          nullUD          0x02000000                0x00000000
                ts/btd MsgDesc:  mlen 1 ex_mlen 0 rlen 0        { align1 WE_all 1H @1 EOT };`,
    inner: { multiplyAdds: 2, vector: 1, workgroupMemory: 1, memory: 0, scalar: 2, slots: 6 },
    around: 3,
  },
  qualcomm: {
    text: `Native code for unnamed CL shader (null):
@const(c40.x)	0x00000001, 0x4f7ffffe, 0x0000ffff, 0x00000000
(sy)mov.u32u32 r0.x, r1.x
l10:
isam.v.base0 (u32)(xyzw)r2.x, r1.x, s#0, t#0
(sy)stl.u32 l[r1.w], r2.x, 4
l14:
ldl.u32 r4.x, l[r3.y+128], 4
(sy)(nop2) mad.f32 r7.w, c41.y, r18.w, (last)r7.w
(rpt1)mad.f32 r8.x, r4.x, (r)r5.x, (r)r8.x
add.u r3.y, r3.y, 16
(ss)br p0.y, #l14
br p0.z, #l30
jump #l10
l30:
end
; CL prog 23/1: 831 instr, 126 nops, 705 non-nops, 70 mov, 8 cov, 2336 dwords`,
    inner: { multiplyAdds: 3, vector: 1, workgroupMemory: 1, memory: 0, scalar: 1, slots: 8 },
    around: 4,
  },
  apple: {
    text: `  0: 7e0284088000             mov      $r1, 0
  8: 05996806aac21200         load     r83, dr84, r83, i32, x, a
 10: 69c11802f4000014         lload    r48_r49, r44l, 0, i32, xy
 18: baa1a0822a504215         ffma     $r40, $r48, $r52, r40
 20: baa5a2822a524215         ffma     $r41, $r49, $r52, r41
 28: 0e31d6c569110000         iadd     r44, u139.sx, $r46.sx
 30: 00c050e2ffff             jmp_any  -32
 36: 20c064170000             jmp_none 12
 3c: 00c050e2ffff             jmp_any  -52
 42: 8800                     stop`,
    inner: { multiplyAdds: 2, vector: 1, workgroupMemory: 1, memory: 0, scalar: 1, slots: 5 },
    around: 3,
  },
  // Workgroup memory is memory like any other there.
  arm: {
    text: `MOV.i32 r1, 0x0
LOAD.i128.unsigned.slot0.wait0 @r4:r5:r6:r7, r2^, offset:0
LOAD.i128.unsigned.slot0.wait0 @r8:r9:r10:r11, r3^, offset:0
FMA.f32 r0, r4, r8, r0
FMA.f32 r12, r4, r9, r12
IADD.u32 r3, r3, 0x10
BRANCHZ.eq.h0 r1^, offset:-5
BRANCHZ.eq.h0 r13^, offset:1
BRANCHZ.eq.h0 r14^, offset:-8
NOP.end`,
    inner: { multiplyAdds: 2, vector: 1, workgroupMemory: 0, memory: 1, scalar: 1, slots: 5 },
    around: 3,
  },
};

const pipeline = (assembly?: string): CompiledPipeline => ({ stats: new Map(), assembly });

/** As the driver tells it: Apple's prints it, together with a shorter program that runs ahead. */
function codeOf(vendor: string, text: string) {
  const apart = vendor === 'apple';
  const printed = `shader: compute\n  0: 8800 stop\n${text}\n`;
  return machineCodeOf(vendor, [pipeline(apart ? undefined : text)], apart ? printed : '')[0];
}

describe.each(Object.entries(LISTINGS))('machine code by %s', (vendor, listing) => {
  const { text, inner, around } = listing;
  const code = codeOf(vendor, text);

  it('has an inner loop', () => {
    expect(code && hottestLoop(code)).toEqual(inner);
  });

  it('is run through as often as a step has multiply-adds', () => {
    const { multiplyAdds = 0, slots = 0 } = inner;
    const rate = code && stepRate(code, 4 * multiplyAdds);
    expect(rate).toBeCloseTo((4 * multiplyAdds) / (around + 4 * slots), 10);
    // All of a step in one round: nothing is said of the loop around it.
    expect(code && stepRate(code, multiplyAdds)).toBeCloseTo(multiplyAdds / slots, 10);
  });
});

it.each(Object.entries(LISTINGS))('code by %s that does not loop has no hottest loop', (vendor) => {
  const code = codeOf(vendor, '');
  expect(code && hottestLoop(code)).toBeUndefined();
});

it('a maker that is not known, and a driver that tells no code, have none', () => {
  expect(machineCodeOf('imgtec', [pipeline('FMA r0, r0, r0')], '')).toEqual([undefined]);
  expect(machineCodeOf('intel', [pipeline()], '')).toEqual([undefined]);
});
