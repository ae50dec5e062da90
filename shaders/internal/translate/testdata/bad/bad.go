// Package bad holds code that kernels cannot be made of.
package bad

type world struct{ x, y float32 }

func (w *world) closure() {
	f := func() {}
	f()
}

func (w *world) lookup() float32 {
	m := map[int32]float32{1: 2}
	return m[1]
}

func (w *world) wide(x float64) float64 { return 2 * x }

func (w *world) labels() {
outer:
	for range 3 {
		for range 3 {
			continue outer
		}
	}
}

func (w *world) spawn() { go w.labels() }

func (w *world) address() *float32 {
	x := make([]float32, 3)
	return &x[0]
}
