package gpm

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

const (
	styles = 5
	length = 50  // steps of a segment
	each   = 200 // trajectories of a style
)

const (
	purposeStyle rng.Purpose = 0x67706d01 + iota
	purposeAsk
	purposeCoin
)

// A duel is trajectories of five styles and of any skill, and a rule that says who wins:
//
//	cyclic      style i beats the two that follow it, round a circle
//	transitive  the more skilful wins, whatever the style
//	mixed       one style against the same or an opposite one: the more skilful; else as cyclic
type duel struct {
	kind   string
	key    rng.Key
	store  *feedback.Store
	fights []fighter
}

// A fighter is a segment of a trajectory with what it shows.
type fighter struct {
	segment feedback.Segment
	style   int
	skill   float32 // 0 to 1
}

// pilotOf returns how a style moves: it rushes, sneaks, holds, flanks to the right or to the left.
// The skilful tremble less.
func pilotOf(style int, skill float32) rmlab.Pilot {
	p := rmlab.Pilot{Noise: 0.6 - float32(0.55*skill), Most: 1}
	switch style {
	case 0:
		p.Goal = 2
	case 1:
		p.Goal, p.Damping = 0.5, 1.5
	case 2:
		p.Damping = 1.5
	case 3:
		p.Goal, p.Push = 0.5, geom.Vec{X: 0.5}
	default:
		p.Goal, p.Push = 0.5, geom.Vec{X: -0.5}
	}
	return p
}

func newDuel(seed uint64, kind string) (*duel, error) {
	d := &duel{kind: kind, key: rng.New(seed)}
	for i := range styles * each {
		r := d.key.Stream(purposeStyle, uint32(i), 0)
		f := fighter{style: i % styles, skill: r.Float32()}
		level := rmlab.NewLevel(d.key, i)
		level.Danger = geom.Vec{X: 5, Y: 5} // out of sight
		t := rmlab.Play(level, pilotOf(f.style, f.skill), 0, &r)
		if d.store == nil {
			d.store = feedback.NewStore(feedback.Shape{
				Obs: len(t.Obs) / (rmlab.Steps + 1), Act: len(t.Act) / rmlab.Steps, Facts: rmlab.Parts,
			})
		}
		id, err := d.store.Add(&t)
		if err != nil {
			return nil, err
		}
		f.segment = feedback.Segment{Traj: id, To: length}
		d.fights = append(d.fights, f)
	}
	return d, nil
}

// beats returns 1 if style i beats style j, -1 if it is the other way round, else 0.
func beats(i, j int) int {
	switch (j - i + styles) % styles {
	case 1, 2:
		return 1
	case 3, 4:
		return -1
	}
	return 0
}

// wins reports whether a beats b, and whether the rule says at all who does.
func (d *duel) wins(a, b fighter) (win, known bool) {
	by := beats(a.style, b.style)
	switch {
	case d.kind == "cyclic":
		return by > 0, by != 0
	case d.kind == "mixed" && by != 0 && (a.style+b.style)%2 == 1:
		return by > 0, true
	}
	return a.skill > b.skill, a.skill != b.skill
}

// ask draws pairs with who wins.
func (d *duel) ask(n int, key rng.Key) []feedback.Record {
	r := key.Stream(purposeAsk, 0, 0)
	rs := make([]feedback.Record, 0, n)
	for len(rs) < n {
		a, b := d.fights[r.IntN(len(d.fights))], d.fights[r.IntN(len(d.fights))]
		win, known := d.wins(a, b)
		if !known {
			continue
		}
		rec := feedback.Better(a.segment, b.segment)
		if !win {
			rec.Label = 0
		}
		rs = append(rs, rec)
	}
	return rs
}

func (d *duel) views(r feedback.Record) (a, b feedback.View, err error) {
	if a, err = d.store.View(r.Segments[0]); err == nil {
		b, err = d.store.View(r.Segments[1])
	}
	return a, b, err
}

// exploitability is how far above a half the best style comes against what a model advises: the
// average of the iterates of general preference optimisation on the simplex of styles,
// pi exp(eta s(. > pi)) (eq. 11, exactly), or of a model without cycles the style it likes best.
func (d *duel) exploitability(arm string, m rater) (float64, error) {
	const shown = 10 // trajectories that stand for a style
	var s [styles][styles]float64
	for i := range styles {
		for j := range styles {
			for k := range shown {
				a, err := d.store.View(d.fights[i+k*styles].segment)
				if err != nil {
					return 0, err
				}
				b, err := d.store.View(d.fights[j+(k+shown)*styles].segment)
				if err != nil {
					return 0, err
				}
				s[i][j] += (m.prefer(a, b) - 0.5) / shown
			}
		}
	}
	var mix [styles]float64
	if arm == "bradley-terry" {
		best, most := 0, math.Inf(-1)
		for i := range styles {
			sum := 0.0
			for j := range styles {
				sum += s[i][j]
			}
			if sum > most {
				best, most = i, sum
			}
		}
		mix[best] = 1
	} else {
		const rounds, eta = 2000, 0.1
		var logits [styles]float64
		for range rounds {
			var pi [styles]float64
			z := 0.0
			for i := range pi {
				pi[i] = math.Exp(logits[i])
				z += pi[i]
			}
			for i := range pi {
				pi[i] /= z
				mix[i] += pi[i] / rounds
			}
			for i := range logits {
				for j := range pi {
					logits[i] += eta * s[i][j] * pi[j]
				}
			}
		}
	}
	worst := math.Inf(-1)
	for i := range styles {
		gain := 0.0
		for j := range mix {
			gain += mix[j] * float64(beats(i, j)) / 2
		}
		worst = max(worst, gain)
	}
	if math.IsNaN(worst) {
		return 0, fmt.Errorf("gpm: the mixture of styles is not finite: %v", mix)
	}
	return worst, nil
}
