//go:build cgo && (linux || darwin) && (amd64 || arm64)

package engine

import "embed"

//go:embed spv/*.spv
var kernels embed.FS
