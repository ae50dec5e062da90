package traj

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// A Divergence is the first place where a replayed episode differs from its recording.
type Divergence struct {
	Episode int    `json:"-"`    // index among those verified
	Step    int    `json:"step"` // from 1, as counted in the episode; 0 is the first observation
	Field   string `json:"field"`
	Want    any    `json:"want"` // recorded: a number; of the state, its hash in hexadecimal
	Got     any    `json:"got"`  // replayed
}

// String describes d in one line.
func (d *Divergence) String() string {
	return fmt.Sprintf("step %d: %s: recorded %v, replayed %v", d.Step, d.Field, d.Want, d.Got)
}

// group is the number of episodes that are played side by side.
const group = 64

// Verify plays the episodes again, those of one environment side by side on the given number
// of goroutines, and compares observations, facts, rewards, ends and state hashes bit by bit.
// It returns the number of steps played and the divergence that comes first in the first
// episode that has one, or nil.
func Verify(eps []*Episode, workers int) (steps int64, first *Divergence, err error) {
	for lo := 0; lo < len(eps); {
		hi := lo + 1
		for hi < len(eps) && hi-lo < group && sameEnv(eps[lo], eps[hi]) {
			hi++
		}
		n, d, err := verifyGroup(eps[lo:hi], workers)
		steps += n
		if err != nil {
			return steps, nil, err
		}
		if d != nil {
			d.Episode += lo
			return steps, d, nil
		}
		lo = hi
	}
	return steps, nil, nil
}

func sameEnv(a, b *Episode) bool {
	return a.Env == b.Env && a.Engine == b.Engine && string(a.Options) == string(b.Options)
}

func verifyGroup(eps []*Episode, workers int) (steps int64, first *Divergence, err error) {
	v, err := open(eps, workers)
	if err != nil {
		return 0, nil, err
	}
	defer v.Close()
	b, longest := env.NewBatch(v.Spec(), len(eps)), 0
	for _, e := range eps {
		longest = max(longest, e.Len())
	}
	found := make([]*Divergence, len(eps))
	c := comparison{vec: v, spec: v.Spec()}
	for t := range longest {
		if err := v.Observe(b); err != nil {
			return steps, nil, err
		}
		clear(b.Act)
		for i, e := range eps {
			if t < e.Len() {
				rows := b.Rows(i*e.Agents, (i+1)*e.Agents)
				copy(rows.Act, e.Action(t))
				if t == 0 && found[i] == nil {
					found[i] = c.rows(0, "observation", c.spec.Obs, row(e.Obs, 0, e.Len()+1), rows.Obs)
				}
			}
		}
		if err := v.Step(b); err != nil {
			return steps, nil, err
		}
		for i, e := range eps {
			if t < e.Len() && found[i] == nil {
				steps++
				found[i] = c.step(e, t, i, b.Rows(i*e.Agents, (i+1)*e.Agents))
			}
		}
	}
	for i, d := range found {
		if d != nil {
			d.Episode = i
			return steps, d, nil
		}
	}
	return steps, nil, nil
}

type comparison struct {
	vec   env.Vec
	spec  *env.Spec
	state []byte
}

// step compares step t of e with what happened now in a world.
func (c *comparison) step(e *Episode, t, world int, b env.Batch) *Divergence {
	n := e.Len()
	if d := c.rows(t+1, "observation", c.spec.Obs, row(e.Obs, t+1, n+1), b.Next); d != nil {
		return d
	}
	if d := c.rows(t+1, "fact", c.spec.Facts, row(e.Facts, t, n), b.Facts); d != nil {
		return d
	}
	if d := c.rows(t+1, "", []env.Field{{Name: "reward", Len: 1}}, row(e.Reward, t, n), b.Reward); d != nil {
		return d
	}
	end := env.Running
	if t == n-1 {
		end = e.Last
	}
	// A recording that stops early does not know the end of its last step.
	if b.End[0] != end && !(t == n-1 && e.Last == env.Running) {
		return &Divergence{Step: t + 1, Field: "end", Want: int(end), Got: int(b.End[0])}
	}
	if (t+1)%e.Every == 0 {
		c.state = c.vec.(env.Snapshotter).AppendState(c.state[:0], world)
		if got, want := hash(c.state), e.Hashes[(t+1)/e.Every-1]; got != want {
			return &Divergence{Step: t + 1, Field: "state", Want: fmt.Sprintf("%016x", want), Got: fmt.Sprintf("%016x", got)}
		}
	}
	return nil
}

// rows compares rows of fields of all agents.
func (c *comparison) rows(step int, kind string, fields []env.Field, want, got []float32) *Divergence {
	width := env.Width(fields)
	for i := range want {
		if math.Float32bits(want[i]) == math.Float32bits(got[i]) {
			continue
		}
		return &Divergence{Step: step, Field: fieldName(kind, fields, i%width), Want: number(want[i]), Got: number(got[i])}
	}
	return nil
}

// number returns x, as text if JSON has no such number.
func number(x float32) any {
	if !geom.Finite(x) {
		return fmt.Sprint(x)
	}
	return float64(x)
}

// fieldName names a column, such as `observation "vx"` or `fact "ray"[3]`.
func fieldName(kind string, fields []env.Field, col int) string {
	for _, f := range fields {
		switch {
		case col >= f.Len:
			col -= f.Len
			continue
		case kind == "":
			return f.Name
		case f.Len == 1:
			return fmt.Sprintf("%s %q", kind, f.Name)
		}
		return fmt.Sprintf("%s %q[%d]", kind, f.Name, col)
	}
	return kind
}
