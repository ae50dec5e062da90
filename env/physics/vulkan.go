package physics

// Scratch returns memory such as a step uses, laid out as a pointer to a struct. It is for engines
// that copy worlds into another memory, field by field, and step them there with code translated
// from this package's: see package env/vulkan.
func (m *Model) Scratch() any { return m.newScratch() }

// Crowded reports whether worlds of m may have so many contacts at once that the solver does not
// keep the matrix of how they act on each other. Kernels leave such worlds to the CPU.
func (m *Model) Crowded() bool { return m.maxRows() > maxDense }
