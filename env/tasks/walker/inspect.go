package walker

import "github.com/terrarium-rl/terrarium/env"

// Inspect draws contacts, joints or forces.
func (w *world) Inspect(c env.Canvas, l env.Layer) { w.w.Inspect(c, l, dt) }

var _ env.Detailed = (*world)(nil)
