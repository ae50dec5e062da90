// Package replay plays recorded episodes again, forwards and backwards, for pictures, films and
// viewers. An episode may also be played for the first time, and go on differently from any of
// its moments: see [Play] and [Player.Fork].
//
//	ep, err := traj.Load("first.replay")
//	p, err := replay.Open(ep)
//	for p.Step() < p.Len() {
//		err = p.Seek(p.Step() + 1)
//		p.Draw(&list)
//	}
package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A Player shows an episode at any of its moments. To go back it restores an earlier state of the
// world and simulates from there. It is recorded, or is recorded while its future is played.
type Player struct {
	ep      *traj.Episode
	vec     env.Vec
	batch   *env.Batch
	step    int
	returns []float64 // returns[t] is the return after t steps
	states  [][]byte  // of the world after steps every, 2 every, ...

	drift int // first step that was not as recorded; 0 if all were

	// of an episode that is being played
	driver Driver
	rec    *traj.Recorder
	key    rng.Key
}

// every is the number of steps between two states that a Player keeps.
const every = 64

// Open returns a Player at the first moment of ep. It must be closed.
func Open(ep *traj.Episode) (*Player, error) {
	vec, err := ep.Open()
	if err != nil {
		return nil, err
	}
	p := &Player{ep: ep, vec: vec, batch: env.NewBatch(vec.Spec(), 1), returns: make([]float64, 1, ep.Len()+1)}
	return p, p.vec.Observe(p.batch)
}

// Close releases the world.
func (p *Player) Close() error { return p.vec.Close() }

// Episode returns what p plays.
func (p *Player) Episode() *traj.Episode { return p.ep }

// Spec returns the specification of the environment.
func (p *Player) Spec() *env.Spec { return p.vec.Spec() }

// Batch returns the last transition. It is only worth reading if Step is above 0, must not be
// changed, and is valid until the next Seek.
func (p *Player) Batch() *env.Batch { return p.batch }

// Len returns the number of steps of the episode that are known.
func (p *Player) Len() int { return p.ep.Len() }

// Drift returns the first step, of those seen, whose observation is not the recorded one: it was
// recorded by a program whose worlds behave differently. 0 means that there was none.
func (p *Player) Drift() int { return p.drift }

// Step returns the number of steps that lie before the moment shown.
func (p *Player) Step() int { return p.step }

// Seconds returns the simulated time before the moment shown.
func (p *Player) Seconds() float64 { return float64(p.step) * float64(p.vec.Spec().Dt) }

// Return returns the task's own rewards until the moment shown, the mean of all agents.
func (p *Player) Return() float64 { return p.returns[p.step] }

// Returns returns the return after 0, 1, 2 ... steps, as far as p has ever been. The caller must
// not modify it.
func (p *Player) Returns() []float64 { return p.returns }

// Seek shows the moment after the given number of steps, or the nearest there is. An episode that
// is live is played as far as that.
func (p *Player) Seek(step int) error {
	step = max(0, step)
	if step < p.step {
		if err := p.back(step); err != nil {
			return err
		}
	}
	for p.step < step && (!p.AtEnd() || p.Live()) {
		if err := p.forward(); err != nil {
			return err
		}
	}
	return nil
}

// back restores the last state at or before a step.
func (p *Player) back(step int) error {
	k := step / every
	state := p.ep.Start
	if k > 0 {
		state = p.states[k-1]
	}
	if err := p.vec.(env.Snapshotter).SetState(0, state); err != nil {
		return err
	}
	p.step = k * every
	if k > 0 {
		return nil
	}
	return p.vec.Observe(p.batch)
}

// forward makes a step.
func (p *Player) forward() error {
	if p.step > 0 { // the first observation was made by Open or back
		if err := p.vec.Observe(p.batch); err != nil {
			return err
		}
	}
	fresh := p.AtEnd()
	if fresh {
		p.decide()
	} else {
		copy(p.batch.Act, p.ep.Action(p.step))
	}
	if err := p.vec.Step(p.batch); err != nil {
		return err
	}
	p.step++
	if fresh {
		p.rec.Stepped(p.batch)
	} else if w := len(p.batch.Next); p.drift == 0 && !slices.Equal(p.batch.Next, p.ep.Obs[p.step*w:(p.step+1)*w]) {
		p.drift = p.step
	}
	if p.step == len(p.returns) {
		var r float64
		for _, v := range p.batch.Reward {
			r += float64(v) / float64(p.batch.N)
		}
		p.returns = append(p.returns, p.returns[p.step-1]+r)
	}
	// The state of a world whose episode has ended tells nothing about how it looked.
	if p.step == (len(p.states)+1)*every && p.batch.End[0] == env.Running {
		p.states = append(p.states, p.vec.(env.Snapshotter).AppendState(nil, 0))
	}
	return nil
}

// Draw makes l show the moment. It reports whether the environment can be drawn.
func (p *Player) Draw(l *scene.List) bool {
	l.Reset()
	d, ok := p.vec.(env.Drawer)
	if ok {
		d.Draw(l, 0)
	}
	return ok
}

// Caption describes the moment in a line: step, return, and the action that led to it if it
// is short.
func (p *Player) Caption() string {
	var s strings.Builder
	fmt.Fprintf(&s, "step %d   return %s", p.step, Number(p.Return(), 1))
	act := p.vec.Spec().Act
	if p.step == 0 || env.Width(act) > 4 {
		return s.String()
	}
	row := p.ep.Action(p.step - 1)
	for _, f := range act {
		s.WriteString("   " + f.Name)
		for _, v := range row[:f.Len] {
			digits := 2
			if f.Choices > 0 {
				digits = 0
			}
			s.WriteString(" " + Number(float64(v), digits))
		}
		row = row[f.Len:]
	}
	return s.String()
}

// Number writes v with digits after the point and a proper minus sign.
func Number(v float64, digits int) string {
	return strings.Replace(strconv.FormatFloat(v, 'f', digits, 64), "-", "\u2212", 1)
}
