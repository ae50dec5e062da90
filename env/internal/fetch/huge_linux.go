package fetch

import "syscall"

const (
	page = 2 << 20 // bytes of a large one

	adviceCollapse = 25 // MADV_COLLAPSE, since Linux 6.1; before, the system makes pages large when it finds the time
)

// Huge asks for large pages for the memory from one address to another: a program that jumps about in many small
// ones mostly waits for the processor to find out where they are. It is advice only, changes nothing that the
// program can see, and takes about as long as to copy that memory.
func Huge(from, to uintptr) {
	from, to = (from+page-1)/page*page, to/page*page
	if from >= to {
		return
	}
	for _, advice := range [...]uintptr{syscall.MADV_HUGEPAGE, adviceCollapse} {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, advice) // who is refused goes on without
	}
}
