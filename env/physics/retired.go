package physics

// Thresholds that damping replaced; the engine in lanes still names them.
const (
	dependent   = 5e-4
	rigid       = 1e-3
	freeDepends = 1e-3
)
