package lab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/rewards/eval"
)

// A recording is what recorded episodes say about rewards. Replays hold the facts of each
// transition, so nothing is simulated again.
type recording struct {
	spec     *env.Spec
	episodes []*traj.Episode
	files    []string
	data     *eval.Data
	first    []int // first row of each episode; an episode has as many trajectories as agents
}

// readRecording reads the episodes of a run, or of one replay file.
func readRecording(path string) (*recording, error) {
	files, err := replayFiles(path)
	if err != nil {
		return nil, err
	}
	r := &recording{files: files}
	for _, f := range files {
		ep, err := traj.Load(f)
		if err != nil {
			return nil, err
		}
		if len(r.episodes) > 0 && ep.Env != r.episodes[0].Env {
			return nil, fmt.Errorf("%s is of %s, and %s of %s: rewards are compared in one environment", f, ep.Env, files[0], r.episodes[0].Env)
		}
		r.episodes = append(r.episodes, ep)
	}
	c, err := r.episodes[0].Config()
	if err != nil {
		return nil, err
	}
	if r.spec, err = c.Spec(); err != nil {
		return nil, err
	}
	return r, r.fill()
}

// fill lays the transitions out in rows, the trajectory of each agent on its own.
func (r *recording) fill() error {
	n := 0
	for i, e := range r.episodes {
		if err := e.Fits(r.spec); err != nil {
			return fmt.Errorf("%s: %w", r.files[i], err)
		}
		n += e.Len() * e.Agents
	}
	if n == 0 {
		return errors.New("the recorded episodes have no steps")
	}
	one := *r.spec
	one.Agents = 1
	b := env.NewBatch(&one, n)
	r.data = &eval.Data{Spec: r.spec, Rows: b}
	obs, act, facts := env.Width(one.Obs), env.Width(one.Act), env.Width(one.Facts)
	at := 0
	for _, e := range r.episodes {
		r.first = append(r.first, at)
		level := e.Level.ID(r.spec)
		for a := range e.Agents {
			if e.Len() > 0 {
				r.data.Starts = append(r.data.Starts, at)
			}
			for t := range e.Len() {
				i := t*e.Agents + a
				copy(b.Obs[at*obs:(at+1)*obs], e.Obs[i*obs:])
				copy(b.Next[at*obs:(at+1)*obs], e.Obs[(i+e.Agents)*obs:])
				copy(b.Act[at*act:(at+1)*act], e.Act[i*act:])
				copy(b.Facts[at*facts:(at+1)*facts], e.Facts[i*facts:])
				b.Reward[at], b.Level[at] = e.Reward[i], level
				if t == e.Len()-1 {
					b.End[at] = e.Last
					if e.Last == env.Running {
						b.End[at] = env.Truncated // the recording stops, not the episode
					}
				}
				at++
			}
		}
	}
	return nil
}

// returns sums one number a row over each episode, the mean of its agents.
func (r *recording) returns(rows []float64) []float64 {
	sums := make([]float64, len(r.episodes))
	for i, e := range r.episodes {
		for _, x := range rows[r.first[i] : r.first[i]+e.Len()*e.Agents] {
			sums[i] += x / float64(e.Agents)
		}
	}
	return sums
}

// task returns the task's own reward of each row.
func (r *recording) task() []float64 {
	x := make([]float64, len(r.data.Rows.Reward))
	for i, v := range r.data.Rows.Reward {
		x[i] = float64(v)
	}
	return x
}

// name returns a short name of an episode.
func (r *recording) name(i int) string {
	parts := strings.FieldsFunc(r.files[i], func(c rune) bool { return c == '/' || c == '\\' })
	base := strings.TrimSuffix(parts[len(parts)-1], ".replay")
	if len(parts) >= 3 && strings.HasPrefix(parts[len(parts)-3], "seed-") {
		return parts[len(parts)-3] + "/" + base
	}
	return base
}
