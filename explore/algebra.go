package explore

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// The nodes of an expression are bonuses themselves.

// leaf is a registered bonus with the name it is logged by.
type leaf struct {
	Bonus
	name  string
	rows  uint64            // scored since the program began
	paid  bool              // one of them scored other than 0
	mean  float64           // of what Score wrote last, which others change in place
	full  map[string]string // names in logs
	to    func(string, float64)
	relay func(string, float64) // reports to to by the full name; made once
}

func newLeaf(b Bonus, name string) *leaf {
	l := &leaf{Bonus: b, name: name, full: map[string]string{}}
	l.relay = func(short string, v float64) {
		full, ok := l.full[short]
		if !ok {
			full = "bonus/" + l.name + "/" + short
			l.full[short] = full
		}
		l.to(full, v)
	}
	return l
}

func (l *leaf) Score(dst []float32, b *env.Batch) {
	l.Bonus.Score(dst, b)
	sum := 0.0
	for _, x := range dst[:b.N] {
		sum += float64(x)
	}
	l.mean = sum / float64(b.N)
	l.rows += uint64(b.N)
	l.paid = l.paid || l.mean != 0
}

// Update also reports the mean bonus before any combination.
func (l *leaf) Update(b *env.Batch, report func(string, float64)) error {
	if report == nil {
		return l.Bonus.Update(b, nil)
	}
	l.to = report
	l.relay("mean", l.mean)
	return l.Bonus.Update(b, l.relay)
}

// pair is a sum or a product of two bonuses.
type pair struct {
	a, b    Bonus
	product bool
	x, y    []float32
}

func (p *pair) Score(dst []float32, b *env.Batch) {
	p.a.Score(p.x[:b.N], b)
	p.b.Score(p.y[:b.N], b)
	for i := range b.N {
		if p.product {
			dst[i] = p.x[i] * p.y[i]
		} else {
			dst[i] = p.x[i] + p.y[i]
		}
	}
}

func (p *pair) Update(b *env.Batch, report func(string, float64)) error {
	if err := p.a.Update(b, report); err != nil {
		return err
	}
	return p.b.Update(b, report)
}

func (p *pair) AppendBinary(dst []byte) ([]byte, error) {
	at := len(dst)
	dst, err := p.a.AppendBinary(append(dst, 0, 0, 0, 0, 0, 0, 0, 0))
	if err != nil {
		return dst, err
	}
	binary.LittleEndian.PutUint64(dst[at:], uint64(len(dst)-at-8))
	return p.b.AppendBinary(dst)
}

func (p *pair) UnmarshalBinary(src []byte) error {
	if len(src) < 8 || binary.LittleEndian.Uint64(src) > uint64(len(src)-8) {
		return fmt.Errorf("bonus: state cut short at %d bytes", len(src))
	}
	n := binary.LittleEndian.Uint64(src)
	if err := p.a.UnmarshalBinary(src[8 : 8+n]); err != nil {
		return err
	}
	return p.b.UnmarshalBinary(src[8+n:])
}

// constant is a number.
type constant float32

func (c constant) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		dst[i] = float32(c)
	}
}
func (constant) Update(*env.Batch, func(string, float64)) error { return nil }
func (constant) AppendBinary(dst []byte) ([]byte, error)        { return dst, nil }
func (constant) UnmarshalBinary(src []byte) error {
	if len(src) > 0 {
		return fmt.Errorf("bonus: %d bytes of state where there should be none", len(src))
	}
	return nil
}

// norm divides by the running standard deviation over all rows and steps, without subtracting
// the mean: a bonus stays positive.
type norm struct {
	Bonus
	m    moments
	last []float32
}

func (n *norm) Score(dst []float32, b *env.Batch) {
	n.Bonus.Score(dst, b)
	copy(n.last, dst[:b.N])
	s := float32(n.m.scale())
	for i := range b.N {
		dst[i] *= s
	}
}

func (n *norm) Update(b *env.Batch, report func(string, float64)) error {
	for _, x := range n.last[:b.N] {
		n.m.add(float64(x))
	}
	return n.Bonus.Update(b, report)
}

func (n *norm) AppendBinary(dst []byte) ([]byte, error) { return n.Bonus.AppendBinary(n.m.append(dst)) }

func (n *norm) UnmarshalBinary(src []byte) error {
	if len(src) < momentsLen {
		return fmt.Errorf("bonus norm: state cut short at %d bytes", len(src))
	}
	return n.Bonus.UnmarshalBinary(n.m.cut(src))
}

// clip limits a bonus.
type clip struct {
	Bonus
	lo, hi float32
}

func (c *clip) Score(dst []float32, b *env.Batch) {
	c.Bonus.Score(dst, b)
	for i := range b.N {
		dst[i] = geom.Clamp(dst[i], c.lo, c.hi)
	}
}

// decay multiplies a bonus by a factor that falls from 1 to 0 over a number of rows.
type decay struct {
	Bonus
	rows, seen float64
}

func (d *decay) Score(dst []float32, b *env.Batch) {
	d.Bonus.Score(dst, b)
	f := float32(math.Max(0, 1-d.seen/d.rows))
	for i := range b.N {
		dst[i] *= f
	}
}

func (d *decay) Update(b *env.Batch, report func(string, float64)) error {
	d.seen += float64(b.N)
	return d.Bonus.Update(b, report)
}

func (d *decay) AppendBinary(dst []byte) ([]byte, error) {
	return d.Bonus.AppendBinary(binary.LittleEndian.AppendUint64(dst, math.Float64bits(d.seen)))
}

func (d *decay) UnmarshalBinary(src []byte) error {
	if len(src) < 8 {
		return fmt.Errorf("bonus decay: state cut short at %d bytes", len(src))
	}
	d.seen = math.Float64frombits(binary.LittleEndian.Uint64(src))
	return d.Bonus.UnmarshalBinary(src[8:])
}

var (
	_ Bonus = (*leaf)(nil)
	_ Bonus = (*pair)(nil)
	_ Bonus = constant(0)
	_ Bonus = (*norm)(nil)
	_ Bonus = (*clip)(nil)
	_ Bonus = (*decay)(nil)
)
