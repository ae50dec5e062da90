#include "textflag.h"

// func Near(p unsafe.Pointer, bytes int)
TEXT ·Near(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ bytes+8(FP), CX
	ADDQ AX, CX
	ANDQ $~63, AX

next:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	CMPQ AX, CX
	JB   next
	RET

// func Lines(p unsafe.Pointer, at []int32)
TEXT ·Lines(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), AX
	MOVQ at_base+8(FP), SI
	MOVQ at_len+16(FP), CX
	LEAQ (SI)(CX*4), CX
	JMP  test

next:
	MOVLQSX    (SI), DX
	PREFETCHT0 (AX)(DX*1)
	ADDQ       $4, SI

test:
	CMPQ SI, CX
	JB   next
	RET
