//go:build goexperiment.simd

#include "textflag.h"

// The numbers of the rows that the four pairs of a block's rows are: the first eight times, then the second.

DATA pairs<>+0(SB)/8, $0x0
DATA pairs<>+8(SB)/8, $0x0
DATA pairs<>+16(SB)/8, $0x0
DATA pairs<>+24(SB)/8, $0x0
DATA pairs<>+32(SB)/8, $0x100000001
DATA pairs<>+40(SB)/8, $0x100000001
DATA pairs<>+48(SB)/8, $0x100000001
DATA pairs<>+56(SB)/8, $0x100000001
DATA pairs<>+64(SB)/8, $0x200000002
DATA pairs<>+72(SB)/8, $0x200000002
DATA pairs<>+80(SB)/8, $0x200000002
DATA pairs<>+88(SB)/8, $0x200000002
DATA pairs<>+96(SB)/8, $0x300000003
DATA pairs<>+104(SB)/8, $0x300000003
DATA pairs<>+112(SB)/8, $0x300000003
DATA pairs<>+120(SB)/8, $0x300000003
DATA pairs<>+128(SB)/8, $0x400000004
DATA pairs<>+136(SB)/8, $0x400000004
DATA pairs<>+144(SB)/8, $0x400000004
DATA pairs<>+152(SB)/8, $0x400000004
DATA pairs<>+160(SB)/8, $0x500000005
DATA pairs<>+168(SB)/8, $0x500000005
DATA pairs<>+176(SB)/8, $0x500000005
DATA pairs<>+184(SB)/8, $0x500000005
DATA pairs<>+192(SB)/8, $0x600000006
DATA pairs<>+200(SB)/8, $0x600000006
DATA pairs<>+208(SB)/8, $0x600000006
DATA pairs<>+216(SB)/8, $0x600000006
DATA pairs<>+224(SB)/8, $0x700000007
DATA pairs<>+232(SB)/8, $0x700000007
DATA pairs<>+240(SB)/8, $0x700000007
DATA pairs<>+248(SB)/8, $0x700000007
GLOBL pairs<>(SB), RODATA|NOPTR, $256

// FACTOR leaves in a and b what two pairs of rows multiply the numbers of a vector with: x times the sign.
#define FACTOR(x, first, second, a, b) \
	VBROADCASTF32X8 x, Z16; \
	VMULPS Z31, Z16, Z16; \
	VPERMPS Z16, first, a; \
	VPERMPS Z16, second, b

// FACTORS does so for the eight vectors.
#define FACTORS(first, second) \
	FACTOR((AX), first, second, Z0, Z8); \
	FACTOR((AX)(R9*1), first, second, Z1, Z9); \
	FACTOR((AX)(R9*2), first, second, Z2, Z10); \
	FACTOR((AX)(R10*1), first, second, Z3, Z11); \
	FACTOR((AX)(R9*4), first, second, Z4, Z12); \
	FACTOR((AX)(R11*1), first, second, Z5, Z13); \
	FACTOR((AX)(R10*2), first, second, Z6, Z14); \
	FACTOR((AX)(R12*1), first, second, Z7, Z15)

// TERM adds a vector times the factors a and b to the pairs of rows in Z20 and Z21.
#define TERM(x, a, b) \
	VBROADCASTF32X8 x, Z16; \
	VMULPS Z16, a, Z18; \
	VADDPS Z18, Z20, Z20; \
	VMULPS Z16, b, Z19; \
	VADDPS Z19, Z21, Z21

// BLOCK adds those of the eight vectors to two pairs of rows of a block.
#define BLOCK(first, second) \
	VMOVUPS first(BX), Z20; \
	VMOVUPS second(BX), Z21; \
	TERM((AX), Z0, Z8); \
	TERM((AX)(R9*1), Z1, Z9); \
	TERM((AX)(R9*2), Z2, Z10); \
	TERM((AX)(R10*1), Z3, Z11); \
	TERM((AX)(R9*4), Z4, Z12); \
	TERM((AX)(R11*1), Z5, Z13); \
	TERM((AX)(R10*2), Z6, Z14); \
	TERM((AX)(R12*1), Z7, Z15); \
	VMOVUPS Z20, first(BX); \
	VMOVUPS Z21, second(BX)

// func rank8Pairs(m, w *float32, blocks int, sign float32)
//
// It goes through the rows of blocks, in two halves of two pairs of rows each. The factors of a half, for
// each of the eight vectors, stay in Z0 to Z7 and Z8 to Z15 for all blocks of the row.
TEXT ·rank8Pairs(SB), NOSPLIT, $0-28
	MOVQ m+0(FP), DI
	MOVQ w+8(FP), SI
	MOVQ blocks+16(FP), CX
	VBROADCASTSS sign+24(FP), Z31
	MOVQ CX, R9
	SHLQ $5, R9             // bytes of a vector
	LEAQ (R9)(R9*2), R10    // of three
	LEAQ (R9)(R9*4), R11    // of five
	LEAQ (R10)(R9*4), R12   // of seven
	VMOVUPS pairs<>+0(SB), Z24
	VMOVUPS pairs<>+64(SB), Z25
	VMOVUPS pairs<>+128(SB), Z26
	VMOVUPS pairs<>+192(SB), Z27
	XORQ R8, R8             // bytes of vectors before the row of blocks

row:
	LEAQ (SI)(R8*1), AX
	FACTORS(Z24, Z25)
	MOVQ SI, AX
	MOVQ DI, BX
	MOVQ R8, DX

block0:
	BLOCK(0, 64)
	ADDQ $32, AX
	ADDQ $256, BX
	SUBQ $32, DX
	JGE  block0

	LEAQ (SI)(R8*1), AX
	FACTORS(Z26, Z27)
	MOVQ SI, AX
	MOVQ DI, BX
	MOVQ R8, DX

block1:
	BLOCK(128, 192)
	ADDQ $32, AX
	ADDQ $256, BX
	SUBQ $32, DX
	JGE  block1

	MOVQ BX, DI
	ADDQ $32, R8
	CMPQ R8, R9
	JLT  row
	VZEROUPPER
	RET

// func symvPairs(y, m, x *float32, blocks int)
//
// Numbers of x that belong to the rows of a block are in Z0 to Z3, a pair of rows each, sums over the rows
// in Z4 to Z7. What a block adds to y above is in Z17: even rows in its first half, odd ones in its second.
TEXT ·symvPairs(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ m+8(FP), BX
	MOVQ x+16(FP), SI
	MOVQ blocks+24(FP), R9
	SHLQ $5, R9
	VMOVUPS pairs<>+0(SB), Z24
	VMOVUPS pairs<>+64(SB), Z25
	VMOVUPS pairs<>+128(SB), Z26
	VMOVUPS pairs<>+192(SB), Z27
	XORQ R8, R8             // bytes of vectors before the row of blocks

row:
	VBROADCASTF32X8 (SI)(R8*1), Z23
	VPERMPS Z23, Z24, Z0
	VPERMPS Z23, Z25, Z1
	VPERMPS Z23, Z26, Z2
	VPERMPS Z23, Z27, Z3
	VPXORD Z4, Z4, Z4
	VPXORD Z5, Z5, Z5
	VPXORD Z6, Z6, Z6
	VPXORD Z7, Z7, Z7
	XORQ DX, DX
	JMP  next

block:
	VBROADCASTF32X8 (SI)(DX*1), Z16
	VMOVUPS (DI)(DX*1), Y17
	VMOVUPS 0(BX), Z18
	VMOVUPS 64(BX), Z19
	VMOVUPS 128(BX), Z20
	VMOVUPS 192(BX), Z21
	VMULPS Z18, Z0, Z22
	VADDPS Z22, Z17, Z17
	VMULPS Z18, Z16, Z23
	VADDPS Z23, Z4, Z4
	VMULPS Z19, Z1, Z22
	VADDPS Z22, Z17, Z17
	VMULPS Z19, Z16, Z23
	VADDPS Z23, Z5, Z5
	VMULPS Z20, Z2, Z22
	VADDPS Z22, Z17, Z17
	VMULPS Z20, Z16, Z23
	VADDPS Z23, Z6, Z6
	VMULPS Z21, Z3, Z22
	VADDPS Z22, Z17, Z17
	VMULPS Z21, Z16, Z23
	VADDPS Z23, Z7, Z7
	VEXTRACTF32X8 $1, Z17, Y22
	VADDPS Y22, Y17, Y17
	VMOVUPS Y17, (DI)(DX*1)
	ADDQ $256, BX
	ADDQ $32, DX

next:
	CMPQ DX, R8
	JLT  block
	VBROADCASTF32X8 (SI)(R8*1), Z16
	VMULPS 0(BX), Z16, Z18
	VADDPS Z18, Z4, Z4
	VEXTRACTF32X8 $1, Z4, Y8
	VMULPS 64(BX), Z16, Z19
	VADDPS Z19, Z5, Z5
	VEXTRACTF32X8 $1, Z5, Y9
	VMULPS 128(BX), Z16, Z20
	VADDPS Z20, Z6, Z6
	VEXTRACTF32X8 $1, Z6, Y10
	VMULPS 192(BX), Z16, Z21
	VADDPS Z21, Z7, Z7
	VEXTRACTF32X8 $1, Z7, Y11
	ADDQ $256, BX
	VHADDPS Y8, Y4, Y4
	VHADDPS Y9, Y5, Y5
	VHADDPS Y10, Y6, Y6
	VHADDPS Y11, Y7, Y7
	VHADDPS Y5, Y4, Y4
	VHADDPS Y7, Y6, Y6
	VEXTRACTF128 $1, Y4, X5
	VEXTRACTF128 $1, Y6, X7
	VADDPS X5, X4, X4
	VADDPS X7, X6, X6
	VMOVUPS X4, (DI)(R8*1)
	VMOVUPS X6, 16(DI)(R8*1)
	ADDQ $32, R8
	CMPQ R8, R9
	JLT  row
	VZEROUPPER
	RET
