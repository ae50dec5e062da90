//go:build !cgo || !(linux || darwin) || !(amd64 || arm64)

package engine

import "embed"

// kernels is empty where there is no host that could run them.
var kernels embed.FS
