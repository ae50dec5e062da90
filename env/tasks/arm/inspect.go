package arm

import "github.com/terrarium-rl/terrarium/env"

// Inspect draws contacts, joints or forces.
func (w *world) Inspect(c env.Canvas, l env.Layer) { w.phys.Inspect(c, l, dt/substeps) }

var _ env.Detailed = (*world)(nil)
