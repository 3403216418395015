//! The opcode table: the only list of opcodes.
//!
//! A row consists of number, mnemonic, method of [`Visitor`](super::Visitor), flow, operands in the order of the text
//! form, and the meaning in one line. Numbers are part of the file format: they never change and are never reused.
//!
//! The flow ([`Flow`](super::Flow)) lists where execution can continue: `Next` at the next word only; `Branch` at the
//! next word or the target; `Jump` at the target; `Switch` in the table or after it; `Stop` nowhere in this function;
//! `Call` in a function, then at the next word; `TailCall` in a function, which replaces this one; `Suspend` perhaps in
//! the host, then at the next word; `Bulk` at the next word, after work that is charged by size.
//!
//! In the meanings `a`, `b`, `c` are the registers and `imm` is the immediate; `M[x]` is memory at address x.

/// Passes every row of the opcode table to the macro `$callback`.
macro_rules! for_each_op {
    ($callback:ident) => { $callback! {
        // 0x control
        0x01 HLT      hlt       Stop    (a: Src)                        "stop the program, at any depth, with value a";
        0x02 RET      ret       Stop    ()                              "return to the caller";
        0x03 YIELD    yield_    Suspend (a: Mod)                        "suspend to the host with value a; a ← what the host gives";
        0x04 TRAP     trap      Stop    (imm24: U)                      "trap Explicit(imm)";
        0x05 NOP      nop       Next    ()                              "nothing";
        0x06 TAILCALL  tailcall  TailCall (imm24: Func)                 "call a function in place of this one: it returns to the caller of this one";
        0x07 TAILCALLR tailcallr TailCall (a: Src, imm20: Type)         "call function number a in place of this one; trap BadIndirectCall unless it exists and has type imm";

        // 1x branches and calls
        0x10 JMP      jmp       Jump    (imm24: Target)                 "branch";
        0x11 JZ       jz        Branch  (a: Src, imm20: Target)         "branch if a = 0";
        0x12 JNZ      jnz       Branch  (a: Src, imm20: Target)         "branch if a ≠ 0";
        0x13 JN       jn        Branch  (a: Src, imm20: Target)         "branch if a < 0, signed";
        0x14 JEQ      jeq       Branch  (a: Src, b: Src, imm16: Target) "branch if a = b";
        0x15 JNE      jne       Branch  (a: Src, b: Src, imm16: Target) "branch if a ≠ b";
        0x16 JLT      jlt       Branch  (a: Src, b: Src, imm16: Target) "branch if a < b, signed";
        0x17 JGE      jge       Branch  (a: Src, b: Src, imm16: Target) "branch if a ≥ b, signed";
        0x18 JLTU     jltu      Branch  (a: Src, b: Src, imm16: Target) "branch if a < b, unsigned";
        0x19 JGEU     jgeu      Branch  (a: Src, b: Src, imm16: Target) "branch if a ≥ b, unsigned";
        0x1A LOOP     loop_     Branch  (a: Mod, imm20: Target)         "a ← a − 1; branch if a ≠ 0";
        0x1B SWITCH   switch    Switch  (a: Src, imm20: Entries)        "the next imm words are JMPs: execute the a-th if a < imm, unsigned, else continue after them";
        0x1C CALL     call      Call    (imm24: Func)                   "call a function";
        0x1D CALLR    callr     Call    (a: Src, imm20: Type)           "call function number a; trap BadIndirectCall unless it exists and has type imm";
        0x1E SYSCALL  syscall   Suspend (imm24: Import)                 "call the host";

        // 2x data movement
        0x20 MOV      mov       Next    (a: Dst, b: Src)                "a ← b";
        0x21 MOVI     movi      Next    (a: Dst, imm20: S)              "a ← imm";
        0x22 CONST    const_    Next    (a: Dst, imm20: Const)          "a ← constant imm";
        0x23 XCHG     xchg      Next    (a: Mod, b: Mod)                "a, b ← b, a";
        0x24 GETL     getl      Next    (a: Dst, imm20: Local)          "a ← local imm";
        0x25 SETL     setl      Next    (a: Src, imm20: Local)          "local imm ← a";
        0x26 CMOVZ    cmovz     Next    (a: Mod, b: Src, c: Src)        "if c = 0 then a ← b";
        0x27 CMOVNZ   cmovnz    Next    (a: Mod, b: Src, c: Src)        "if c ≠ 0 then a ← b";
        0x28 MEMSIZE  memsize   Next    (a: Dst)                        "a ← size of the memory in bytes";
        0x29 MEMCOPY  memcopy   Bulk    (a: Src, b: Src, c: Src)        "copy c bytes from address b to address a; the ranges may overlap";
        0x2A MEMFILL  memfill   Bulk    (a: Src, b: Src, c: Src)        "fill c bytes from address a with the low byte of b";
        0x2B GETG     getg      Next    (a: Dst, imm20: Global)         "a ← global imm";
        0x2C SETG     setg      Next    (a: Src, imm20: Global)         "global imm ← a";
        0x2D MEMGROW  memgrow   Bulk    (a: Dst, b: Src)                "a ← size of the memory in pages of 65536 bytes, and b pages of zeros are added; a ← 0xFFFFFFFF if they do not fit";
        0x2E GETGX    getgx     Next    (a: Dst, b: Src, imm16: Global) "a ← global imm + b; trap GlobalOutOfBounds beyond the last one";
        0x2F SETGX    setgx     Next    (a: Src, b: Src, imm16: Global) "global imm + b ← a; trap GlobalOutOfBounds beyond the last one";

        // 3x loads
        0x30 LOAD8U   load8u    Next    (a: Dst, b: Base, imm16: Disp)  "a ← 8 bits of M[b + imm], zero-extended";
        0x31 LOAD8S   load8s    Next    (a: Dst, b: Base, imm16: Disp)  "a ← 8 bits of M[b + imm], sign-extended";
        0x32 LOAD16U  load16u   Next    (a: Dst, b: Base, imm16: Disp)  "a ← 16 bits of M[b + imm], zero-extended";
        0x33 LOAD16S  load16s   Next    (a: Dst, b: Base, imm16: Disp)  "a ← 16 bits of M[b + imm], sign-extended";
        0x34 LOAD32U  load32u   Next    (a: Dst, b: Base, imm16: Disp)  "a ← 32 bits of M[b + imm], zero-extended";
        0x35 LOAD32S  load32s   Next    (a: Dst, b: Base, imm16: Disp)  "a ← 32 bits of M[b + imm], sign-extended";
        0x36 LOAD     load      Next    (a: Dst, b: Base, imm16: Disp)  "a ← 64 bits of M[b + imm]";
        0x37 LOADF32  loadf32   Next    (a: FDst, b: Base, imm16: Disp) "a ← binary32 at M[b + imm], widened to binary64";
        0x38 LOAD8UX  load8ux   Next    (a: Dst, b: Base, c: X1, imm12: Disp)  "a ← 8 bits of M[b + c + imm], zero-extended";
        0x39 LOAD8SX  load8sx   Next    (a: Dst, b: Base, c: X1, imm12: Disp)  "a ← 8 bits of M[b + c + imm], sign-extended";
        0x3A LOAD16UX load16ux  Next    (a: Dst, b: Base, c: X2, imm12: Disp)  "a ← 16 bits of M[b + 2c + imm], zero-extended";
        0x3B LOAD16SX load16sx  Next    (a: Dst, b: Base, c: X2, imm12: Disp)  "a ← 16 bits of M[b + 2c + imm], sign-extended";
        0x3C LOAD32UX load32ux  Next    (a: Dst, b: Base, c: X4, imm12: Disp)  "a ← 32 bits of M[b + 4c + imm], zero-extended";
        0x3D LOAD32SX load32sx  Next    (a: Dst, b: Base, c: X4, imm12: Disp)  "a ← 32 bits of M[b + 4c + imm], sign-extended";
        0x3E LOADX    loadx     Next    (a: Dst, b: Base, c: X8, imm12: Disp)  "a ← 64 bits of M[b + 8c + imm]";
        0x3F LOADF32X loadf32x  Next    (a: FDst, b: Base, c: X4, imm12: Disp) "a ← binary32 at M[b + 4c + imm], widened to binary64";

        // 4x integer arithmetic
        0x40 ADD      add       Next    (a: Dst, b: Src, c: Src)        "a ← b + c";
        0x41 SUB      sub       Next    (a: Dst, b: Src, c: Src)        "a ← b − c";
        0x42 MUL      mul       Next    (a: Dst, b: Src, c: Src)        "a ← b · c";
        0x43 MULH     mulh      Next    (a: Dst, b: Src, c: Src)        "a ← high 64 bits of b · c, signed";
        0x44 MULHU    mulhu     Next    (a: Dst, b: Src, c: Src)        "a ← high 64 bits of b · c, unsigned";
        0x45 DIV      div       Next    (a: Dst, b: Src, c: Src)        "a ← b ÷ c, signed, truncated; trap DivideByZero; MIN ÷ −1 = MIN";
        0x46 DIVU     divu      Next    (a: Dst, b: Src, c: Src)        "a ← b ÷ c, unsigned; trap DivideByZero";
        0x47 MOD      mod_      Next    (a: Dst, b: Src, c: Src)        "a ← b mod c, signed, sign of b; trap DivideByZero; MIN mod −1 = 0";
        0x48 MODU     modu      Next    (a: Dst, b: Src, c: Src)        "a ← b mod c, unsigned; trap DivideByZero";
        0x49 MIN      min       Next    (a: Dst, b: Src, c: Src)        "a ← the smaller of b and c, signed";
        0x4A MAX      max       Next    (a: Dst, b: Src, c: Src)        "a ← the larger of b and c, signed";
        0x4B MINU     minu      Next    (a: Dst, b: Src, c: Src)        "a ← the smaller of b and c, unsigned";
        0x4C MAXU     maxu      Next    (a: Dst, b: Src, c: Src)        "a ← the larger of b and c, unsigned";
        0x4D NEG      neg       Next    (a: Dst, b: Src)                "a ← −b";
        0x4E ABS      abs       Next    (a: Dst, b: Src)                "a ← |b|, signed; |MIN| = MIN";
        0x4F MAC      mac       Next    (a: Mod, b: Src, c: Src)        "a ← a + b · c";

        // 5x bits
        0x50 AND      and       Next    (a: Dst, b: Src, c: Src)        "a ← b and c";
        0x51 OR       or        Next    (a: Dst, b: Src, c: Src)        "a ← b or c";
        0x52 XOR      xor       Next    (a: Dst, b: Src, c: Src)        "a ← b xor c";
        0x53 NOT      not       Next    (a: Dst, b: Src)                "a ← not b";
        0x54 ANDN     andn      Next    (a: Dst, b: Src, c: Src)        "a ← b and not c";
        0x55 SHL      shl       Next    (a: Dst, b: Src, c: Src)        "a ← b << (c mod 64)";
        0x56 SHR      shr       Next    (a: Dst, b: Src, c: Src)        "a ← b >> (c mod 64), zeros come in";
        0x57 SAR      sar       Next    (a: Dst, b: Src, c: Src)        "a ← b >> (c mod 64), the sign comes in";
        0x58 ROTL     rotl      Next    (a: Dst, b: Src, c: Src)        "a ← b rotated left by c mod 64";
        0x59 ROTR     rotr      Next    (a: Dst, b: Src, c: Src)        "a ← b rotated right by c mod 64";
        0x5A CLZ      clz       Next    (a: Dst, b: Src)                "a ← leading zeros of b; 64 for 0";
        0x5B CTZ      ctz       Next    (a: Dst, b: Src)                "a ← trailing zeros of b; 64 for 0";
        0x5C POPCNT   popcnt    Next    (a: Dst, b: Src)                "a ← ones in b";
        0x5D BSWAP    bswap     Next    (a: Dst, b: Src)                "a ← the bytes of b in reverse";
        0x5E SEXT     sext      Next    (a: Dst, b: Src, imm16: Bits)   "a ← low imm bits of b, sign-extended";
        0x5F ZEXT     zext      Next    (a: Dst, b: Src, imm16: Bits)   "a ← low imm bits of b, zero-extended";

        // 6x with a constant
        0x60 ADDI     addi      Next    (a: Dst, b: Src, imm16: S)      "a ← b + imm";
        0x61 MULI     muli      Next    (a: Dst, b: Src, imm16: S)      "a ← b · imm";
        0x62 ANDI     andi      Next    (a: Dst, b: Src, imm16: U)      "a ← b and imm";
        0x63 ORI      ori       Next    (a: Dst, b: Src, imm16: U)      "a ← b or imm";
        0x64 XORI     xori      Next    (a: Dst, b: Src, imm16: U)      "a ← b xor imm";
        0x65 SHLI     shli      Next    (a: Dst, b: Src, imm16: Sh64)   "a ← b << imm";
        0x66 SHRI     shri      Next    (a: Dst, b: Src, imm16: Sh64)   "a ← b >> imm, zeros come in";
        0x67 SARI     sari      Next    (a: Dst, b: Src, imm16: Sh64)   "a ← b >> imm, the sign comes in";
        0x68 ROTLI    rotli     Next    (a: Dst, b: Src, imm16: Sh64)   "a ← b rotated left by imm";
        0x69 SEQI     seqi      Next    (a: Dst, b: Src, imm16: S)      "a ← 1 if b = imm, else 0";
        0x6A SNEI     snei      Next    (a: Dst, b: Src, imm16: S)      "a ← 1 if b ≠ imm, else 0";
        0x6B SLTI     slti      Next    (a: Dst, b: Src, imm16: S)      "a ← 1 if b < imm, signed, else 0";
        0x6C SLTUI    sltui     Next    (a: Dst, b: Src, imm16: S)      "a ← 1 if b < imm, unsigned after the sign extension of imm, else 0";
        0x6D ADDWI    addwi     Next    (a: Dst, b: Src, imm16: S)      "a ← low 32 bits of b + imm";

        // 7x compare; 32-bit
        0x70 SEQ      seq       Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b = c, else 0";
        0x71 SNE      sne       Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b ≠ c, else 0";
        0x72 SLT      slt       Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b < c, signed, else 0";
        0x73 SLE      sle       Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b ≤ c, signed, else 0";
        0x74 SLTU     sltu      Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b < c, unsigned, else 0";
        0x75 SLEU     sleu      Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b ≤ c, unsigned, else 0";
        0x78 ADDW     addw      Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b + c";
        0x79 SUBW     subw      Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b − c";
        0x7A MULW     mulw      Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b · c";
        0x7B SHLW     shlw      Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b << (c mod 32)";
        0x7C SHRW     shrw      Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b >> (c mod 32), zeros come in";
        0x7D SARW     sarw      Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b >> (c mod 32), bit 31 comes in; zero-extended";
        0x7E ROTLW    rotlw     Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b rotated left by c mod 32";
        0x7F ROTRW    rotrw     Next    (a: Dst, b: Src, c: Src)        "a ← low 32 bits of b rotated right by c mod 32";

        // 8x binary64
        0x80 FADD     fadd      Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b + c";
        0x81 FSUB     fsub      Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b − c";
        0x82 FMUL     fmul      Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b · c";
        0x83 FDIV     fdiv      Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b ÷ c";
        0x84 FSQRT    fsqrt     Next    (a: FDst, b: FSrc)              "a ← √b";
        0x85 FNEG     fneg      Next    (a: FDst, b: FSrc)              "a ← −b";
        0x86 FABS     fabs      Next    (a: FDst, b: FSrc)              "a ← |b|";
        0x87 FMIN     fmin      Next    (a: FDst, b: FSrc, c: FSrc)     "a ← the smaller of b and c; NaN if either is; −0 < +0";
        0x88 FMAX     fmax      Next    (a: FDst, b: FSrc, c: FSrc)     "a ← the larger of b and c; NaN if either is; −0 < +0";
        0x89 FCOPYSIGN fcopysign Next   (a: FDst, b: FSrc, c: FSrc)     "a ← |b| with the sign of c; a NaN c counts as positive";
        0x8A FFLOOR   ffloor    Next    (a: FDst, b: FSrc)              "a ← b rounded towards −∞";
        0x8B FCEIL    fceil     Next    (a: FDst, b: FSrc)              "a ← b rounded towards +∞";
        0x8C FTRUNC   ftrunc    Next    (a: FDst, b: FSrc)              "a ← b rounded towards 0";
        0x8D FNEAREST fnearest  Next    (a: FDst, b: FSrc)              "a ← b rounded to the nearest integer, ties to even";
        0x8E FROUND32 fround32  Next    (a: FDst, b: FSrc)              "a ← b rounded to binary32 and widened again";
        0x8F FMATH    fmath     Next    (a: FDst, imm12: Math, b: FSrc, c: FSrc2) "a ← function imm of b, or of b and c";

        // 9x compare, convert, binary32
        0x90 FEQ      feq       Next    (a: Dst, b: FSrc, c: FSrc)      "a ← 1 if b = c, else 0";
        0x91 FNE      fne       Next    (a: Dst, b: FSrc, c: FSrc)      "a ← 1 if b ≠ c, else 0; 1 if either is NaN";
        0x92 FLT      flt       Next    (a: Dst, b: FSrc, c: FSrc)      "a ← 1 if b < c, else 0";
        0x93 FLE      fle       Next    (a: Dst, b: FSrc, c: FSrc)      "a ← 1 if b ≤ c, else 0";
        0x94 I2F      i2f       Next    (a: FDst, b: Src)               "a ← binary64 nearest the signed b, ties to even";
        0x95 U2F      u2f       Next    (a: FDst, b: Src)               "a ← binary64 nearest the unsigned b, ties to even";
        0x96 F2I      f2i       Next    (a: Dst, b: FSrc)               "a ← b truncated to signed, saturating; 0 for NaN";
        0x97 F2U      f2u       Next    (a: Dst, b: FSrc)               "a ← b truncated to unsigned, saturating (0 for negative b); 0 for NaN";
        0x98 F32WIDEN f32widen  Next    (a: FDst, b: Src)               "a ← binary32 in the low half of b, widened to binary64";
        0x99 F32NARROW f32narrow Next   (a: Dst, b: FSrc)               "a ← binary32 nearest b, ties to even, as 32 bits, zero-extended";
        0x9A FADDS    fadds     Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b + c, then as FROUND32";
        0x9B FSUBS    fsubs     Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b − c, then as FROUND32";
        0x9C FMULS    fmuls     Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b · c, then as FROUND32";
        0x9D FDIVS    fdivs     Next    (a: FDst, b: FSrc, c: FSrc)     "a ← b ÷ c, then as FROUND32";
        0x9E I2FS     i2fs      Next    (a: FDst, b: Src)               "a ← binary32 nearest the signed b, ties to even, widened";
        0x9F U2FS     u2fs      Next    (a: FDst, b: Src)               "a ← binary32 nearest the unsigned b, ties to even, widened";

        // Ax ByteSil numbers, in the low bytes
        0xA0 COMPLEX_ADD complex_add Next (a: Dst, b: Src, c: Src)      "a ← the number nearest b + c";
        0xA1 COMPLEX_SUB complex_sub Next (a: Dst, b: Src, c: Src)      "a ← the number nearest b − c";
        0xA2 COMPLEX_MUL complex_mul Next (a: Dst, b: Src, c: Src)      "a ← b · c";
        0xA3 COMPLEX_DIV complex_div Next (a: Dst, b: Src, c: Src)      "a ← b ÷ c";
        0xA4 COMPLEX_POW complex_pow Next (a: Dst, b: Src, imm12: S)    "a ← b to the power of imm";
        0xA5 COMPLEX_ROOT complex_root Next (a: Dst, b: Src, imm12: U)  "a ← b with ρ and θ divided by imm, towards zero; 1 if imm = 0";
        0xA6 COMPLEX_INV complex_inv Next (a: Dst, b: Src)              "a ← 1 ÷ b";
        0xA7 COMPLEX_CONJ complex_conj Next (a: Dst, b: Src)            "a ← the conjugate of b";
        0xA8 COMPLEX_MAG complex_mag Next (a: Dst, b: Src)              "a ← |b|";
        0xA9 COMPLEX_PHASE complex_phase Next (a: Dst, b: Src)          "a ← b ÷ |b|; 1 for NULL";
        0xAA COMPLEX_SCALE complex_scale Next (a: Dst, b: Src, imm12: S) "a ← b times e to the power of imm";
        0xAB COMPLEX_ROTATE complex_rotate Next (a: Dst, b: Src, imm12: S) "a ← b turned by imm sixteenths";
        0xAC COMPLEX_RE complex_re Next (a: FDst, b: Src)               "a ← binary64 nearest the real part of b";
        0xAD COMPLEX_IM complex_im Next (a: FDst, b: Src)               "a ← binary64 nearest the imaginary part of b";
        0xAE COMPLEX_FROM complex_from Next (a: Dst, b: FSrc, c: FSrc)  "a ← the number nearest b + i · c";
        0xAF COMPLEX_LERP complex_lerp Next (a: Dst, b: Src, c: Src, imm12: U) "a ← imm of 4,095 parts of the way from b to c";

        // Bx states of 16 ByteSil numbers
        0xB0 SMOV     smov      Next    (a: SDst, b: SSrc)              "a ← b";
        0xB1 SSPLAT   ssplat    Next    (a: SDst, b: Src)               "all layers of a ← low byte of b";
        0xB2 SGET     sget      Next    (a: Dst, b: SSrc, imm12: Layer) "a ← layer imm of b";
        0xB3 SSET     sset      Next    (a: SMod, b: Src, imm12: Layer) "layer imm of a ← low byte of b";
        0xB4 SADD     sadd      Next    (a: SDst, b: SSrc, c: SSrc)     "a ← the numbers nearest b + c";
        0xB5 SSUB     ssub      Next    (a: SDst, b: SSrc, c: SSrc)     "a ← the numbers nearest b − c";
        0xB6 SMUL     smul      Next    (a: SDst, b: SSrc, c: SSrc)     "a ← b · c";
        0xB7 SDIV     sdiv      Next    (a: SDst, b: SSrc, c: SSrc)     "a ← b ÷ c";
        0xB8 SXOR     sxor      Next    (a: SDst, b: SSrc, c: SSrc)     "a ← b xor c";
        0xB9 SAND     sand      Next    (a: SDst, b: SSrc, c: SSrc)     "a ← b and c";
        0xBA SOR      sor       Next    (a: SDst, b: SSrc, c: SSrc)     "a ← b or c";
        0xBB SNOT     snot      Next    (a: SDst, b: SSrc)              "a ← not b";
        0xBC SCONJ    sconj     Next    (a: SDst, b: SSrc)              "a ← the conjugates of b";
        0xBD SINV     sinv      Next    (a: SDst, b: SSrc)              "a ← 1 ÷ b";
        0xBE SROTL    srotl     Next    (a: SDst, b: SSrc, imm12: Layer) "layer i + imm mod 16 of a ← layer i of b";

        // Cx stores
        0xC0 STORE8   store8    Next    (b: Base, imm16: Disp, a: Src)  "8 bits of M[b + imm] ← a";
        0xC1 STORE16  store16   Next    (b: Base, imm16: Disp, a: Src)  "16 bits of M[b + imm] ← a";
        0xC2 STORE32  store32   Next    (b: Base, imm16: Disp, a: Src)  "32 bits of M[b + imm] ← a";
        0xC3 STORE    store     Next    (b: Base, imm16: Disp, a: Src)  "64 bits of M[b + imm] ← a";
        0xC4 STOREF32 storef32  Next    (b: Base, imm16: Disp, a: FSrc) "binary32 at M[b + imm] ← a, ties to even";
        0xC5 MEMINIT  meminit   Bulk    (a: Src, b: Src, c: Src, imm12: Segment) "copy c bytes from offset b of passive segment imm to address a";
        0xC8 STORE8X  store8x   Next    (b: Base, c: X1, imm12: Disp, a: Src)  "8 bits of M[b + c + imm] ← a";
        0xC9 STORE16X store16x  Next    (b: Base, c: X2, imm12: Disp, a: Src)  "16 bits of M[b + 2c + imm] ← a";
        0xCA STORE32X store32x  Next    (b: Base, c: X4, imm12: Disp, a: Src)  "32 bits of M[b + 4c + imm] ← a";
        0xCB STOREX   storex    Next    (b: Base, c: X8, imm12: Disp, a: Src)  "64 bits of M[b + 8c + imm] ← a";
        0xCC STOREF32X storef32x Next   (b: Base, c: X4, imm12: Disp, a: FSrc) "binary32 at M[b + 4c + imm] ← a, ties to even";

        // Dx more 32-bit
        0xD0 DIVW     divw      Next    (a: Dst, b: Src, c: Src)        "a ← b ÷ c on signed low halves, truncated, zero-extended; trap DivideByZero; MIN ÷ −1 = MIN";
        0xD1 MODW     modw      Next    (a: Dst, b: Src, c: Src)        "a ← b mod c on signed low halves, sign of b, zero-extended; trap DivideByZero; MIN mod −1 = 0";
        0xD2 SLTW     sltw      Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b < c on signed low halves, else 0";
        0xD3 SLEW     slew      Next    (a: Dst, b: Src, c: Src)        "a ← 1 if b ≤ c on signed low halves, else 0";
        0xD4 SHLWI    shlwi     Next    (a: Dst, b: Src, imm16: Sh32)   "a ← low 32 bits of b << imm";
        0xD5 SHRWI    shrwi     Next    (a: Dst, b: Src, imm16: Sh32)   "a ← low 32 bits of b >> imm, zeros come in";
        0xD6 SARWI    sarwi     Next    (a: Dst, b: Src, imm16: Sh32)   "a ← low 32 bits of b >> imm, bit 31 comes in; zero-extended";
        0xD7 ROTLWI   rotlwi    Next    (a: Dst, b: Src, imm16: Sh32)   "a ← low 32 bits of b rotated left by imm";
        0xD8 MULWI    mulwi     Next    (a: Dst, b: Src, imm16: S)      "a ← low 32 bits of b · imm";
        0xD9 JLTW     jltw      Branch  (a: Src, b: Src, imm16: Target) "branch if a < b on signed low halves";
        0xDA JGEW     jgew      Branch  (a: Src, b: Src, imm16: Target) "branch if a ≥ b on signed low halves";
        0xDB CLZW     clzw      Next    (a: Dst, b: Src)                "a ← leading zeros of the low half of b; 32 for 0";
        0xDC CTZW     ctzw      Next    (a: Dst, b: Src)                "a ← trailing zeros of the low half of b; 32 for 0";
        0xDD BSWAPW   bswapw    Next    (a: Dst, b: Src)                "a ← the low four bytes of b in reverse";

        // Ex compare with a constant and branch
        0xE0 JEQI     jeqi      Branch  (a: Src, imm8: S, rel12: Target) "branch if a = imm";
        0xE1 JNEI     jnei      Branch  (a: Src, imm8: S, rel12: Target) "branch if a ≠ imm";
        0xE2 JLTI     jlti      Branch  (a: Src, imm8: S, rel12: Target) "branch if a < imm, signed";
        0xE3 JGEI     jgei      Branch  (a: Src, imm8: S, rel12: Target) "branch if a ≥ imm, signed";
        0xE4 JLTUI    jltui     Branch  (a: Src, imm8: U, rel12: Target) "branch if a < imm, unsigned";
        0xE5 JGEUI    jgeui     Branch  (a: Src, imm8: U, rel12: Target) "branch if a ≥ imm, unsigned";

        // Fx states in memory, sums of layers
        0xF0 SLOAD    sload     Next    (a: SDst, b: Base, imm16: Disp) "a ← 16 bytes of M[b + imm], layer 0 first";
        0xF1 SSTORE   sstore    Next    (b: Base, imm16: Disp, a: SSrc) "16 bytes of M[b + imm] ← a, layer 0 first";
        0xF2 SLOADX   sloadx    Next    (a: SDst, b: Base, c: X16, imm12: Disp) "a ← 16 bytes of M[b + 16c + imm], layer 0 first";
        0xF3 SSTOREX  sstorex   Next    (b: Base, c: X16, imm12: Disp, a: SSrc) "16 bytes of M[b + 16c + imm] ← a, layer 0 first";
        0xF4 SSUM     ssum      Next    (a: Dst, b: SSrc)               "a ← the sum of the layers of b, in halves: i + (i + 8), then 4, 2, 1";
        0xF5 SFOLD    sfold     Next    (a: Dst, b: SSrc)               "a ← xor of the layers of b";
    } };
}
pub(crate) use for_each_op;
