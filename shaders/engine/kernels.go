//go:build cgo && (amd64 || arm64)

package engine

import "embed"

//go:embed spv/*.spv
var kernels embed.FS
