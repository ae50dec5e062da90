package explore

// A Degrader is a Bonus that can do less than it should without being wrong enough to stop, such
// as a table that is full.
type Degrader interface {
	// Degraded tells what happened since training began, and how often: in a few words that say
	// what to do about it. Counts of 0 need not be told.
	Degraded(tell func(what string, count uint64))
}

// A Degradation is something that a bonus of an expression did less well than it should.
type Degradation struct {
	Bonus string `json:"bonus"` // its name in logs
	What  string `json:"what"`
	Count uint64 `json:"count"`
}

// Degradations returns what the bonuses of an expression, as Parse builds it, have to tell.
func Degradations(b Bonus) (out []Degradation) {
	switch b := b.(type) {
	case *leaf:
		if b.rows > 0 && !b.paid {
			out = append(out, Degradation{b.name, "rows scored 0, which are all there were: what it looks at does not vary, or its options leave nothing", b.rows})
		}
		if d, ok := b.Bonus.(Degrader); ok {
			d.Degraded(func(what string, n uint64) {
				if n > 0 {
					out = append(out, Degradation{b.name, what, n})
				}
			})
		}
	case *pair:
		out = append(Degradations(b.a), Degradations(b.b)...)
	case *norm:
		out = Degradations(b.Bonus)
	case *clip:
		out = Degradations(b.Bonus)
	case *decay:
		out = Degradations(b.Bonus)
	}
	return out
}

// Degraded tells of full tables.
func (c *count) Degraded(tell func(string, uint64)) {
	n := c.seen.collisions
	for _, t := range c.rows {
		n += t.collisions
	}
	tell("visits of states that share the count of another: the table is full, raise max_keys or cell", n)
	if c.planes == nil || c.c.Bits > 31 {
		return
	}
	for _, t := range append([]*table{c.seen}, c.rows...) {
		if len(t.used) == 1<<c.c.Bits {
			tell("codes of simhash are in use, which are all there are, so that states share counts: raise bits", uint64(len(t.used)))
			return
		}
	}
}

// Degraded tells of the table of first visits.
func (d *distill) Degraded(tell func(string, uint64)) { degraded(d.gate, tell) }

// Degraded tells of the table of visits.
func (r *ride) Degraded(tell func(string, uint64)) { degraded(r.visits, tell) }

func degraded(b Bonus, tell func(string, uint64)) {
	if d, ok := b.(Degrader); ok {
		d.Degraded(tell)
	}
}

// Degraded tells of rounding.
func (e *e3b) Degraded(tell func(string, uint64)) {
	tell("inverses computed afresh because rounding had made a bonus negative: raise ridge", e.repaired())
}

var (
	_ Degrader = (*count)(nil)
	_ Degrader = (*distill)(nil)
	_ Degrader = (*ride)(nil)
	_ Degrader = (*e3b)(nil)
)
