//go:build !viewer

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "viewer: built without a window: go run -tags viewer ./render/viewer DIR;"+
		" pictures and films need none: terrarium record DIR -o film.gif")
	os.Exit(3)
}
