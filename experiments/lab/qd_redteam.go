package lab

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// A search whose reward has a term "learned" looks for the faults of that reward: behaviours that it
// likes, and what is left of the sum, the hidden part with a negative weight, does not. When it is
// done, it says of every elite what both parts are, and puts pairs that the two order differently on
// a desk, for people to say which is right.

// suspectsFile says of each elite how a learned reward and what is hidden judge it.
const suspectsFile = "suspects.json"

// Suspects are the judgements about the elites of a search, and the pairs asked about.
type Suspects struct {
	Version string    `json:"version"` // of the learned reward
	Learned []float64 `json:"learned"` // by elite: sum over the episode
	Hidden  []float64 `json:"hidden"`
	Pairs   [][2]int  `json:"pairs"` // elites: learned prefers the first, what is hidden the second
	Rank    jsonFloat `json:"rank_correlation"`
	Desk    string    `json:"desk"` // folder of the questions
}

// RedTeamConfig says what a search for the faults of a learned reward asks about.
type RedTeamConfig struct {
	Questions int `json:"questions" doc:"pairs to put on a desk, for terrarium label"`
	Steps     int `json:"steps" doc:"of the pieces that are compared; default 50"`
}

// suspected returns the number of the term that is a learned reward, -1 if there is none.
func (p *Plan) suspected() int {
	return slices.IndexFunc(p.rewards, func(c rewards.Config) bool { _, ok := c.(*LearnedConfig); return ok })
}

// redTeam judges the elites of a search by a learned reward, and asks about what is doubtful.
func (r *qdRun) redTeam() error {
	p, at := r.plan, r.plan.suspected()
	if at < 0 || p.QD.RedTeam == nil {
		return nil
	}
	a := r.search.elites()
	s := &Suspects{Version: p.rewards[at].(*LearnedConfig).Version}
	eps := make([]*traj.Episode, a.Len())
	origin, err := traj.OriginOf(p.EnvConfig, "elite", r.seed)
	if err != nil {
		return err
	}
	scores := make([][2][]float64, a.Len()) // of each step
	w, err := newQDPlayer(p, newGenome(p), 1)
	if err != nil {
		return err
	}
	defer w.vec.Close()
	for i := range a.Len() {
		if eps[i], scores[i], err = r.suspect(w, a.Elite(i).Sol, at, origin); err != nil {
			return err
		}
		s.Learned, s.Hidden = append(s.Learned, total(scores[i][0])), append(s.Hidden, total(scores[i][1]))
	}
	s.Pairs = disagreements(s.Learned, s.Hidden, p.QD.RedTeam.Questions)
	if rank, err := stats.Spearman(s.Learned, s.Hidden); err == nil {
		s.Rank = jsonFloat(rank)
	}
	s.Desk = filepath.Join(r.dir, "..", labelsDir)
	if err := ask(label.Desk{Dir: s.Desk}, p.Spec, s.Pairs, eps, scores, p.QD.RedTeam.Steps); err != nil {
		return err
	}
	s.Desk = labelsDir
	return writeFileAtomic(filepath.Join(r.dir, suspectsFile), append(mustJSON(s), '\n'))
}

// suspect lets w play an elite and returns the episode and, of each step, the learned reward and what is
// hidden.
func (r *qdRun) suspect(w *qdPlayer, sol []float32, at int, origin traj.Origin) (ep *traj.Episode, scores [2][]float64, err error) {
	w.load(0, sol)
	rec, err := traj.NewRecorder(w.vec, 0, origin)
	if err != nil {
		return nil, scores, err
	}
	b := w.batch
	for w.vec.Reset(r.key.Fold(0).Uint64()); ep == nil; {
		rec.Begin()
		if err := w.vec.Observe(b); err != nil {
			return nil, scores, err
		}
		rec.Observed(b)
		w.act()
		if err := w.vec.Step(b); err != nil {
			return nil, scores, err
		}
		if err := w.score(); err != nil {
			return nil, scores, err
		}
		learned := float64(w.reward.Column(at)[0])
		scores[0] = append(scores[0], learned)
		scores[1] = append(scores[1], learned-float64(w.rew[0])) // its weight is negative
		ep = rec.Stepped(b)
	}
	return ep, scores, nil
}

func total(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

// disagreements returns n pairs, the first of which is better by the first judge and worse by the
// second, those first that both judges are surest of. Nobody is in more than three.
func disagreements(learned, hidden []float64, n int) (pairs [][2]int) {
	type pair struct {
		i, j int
		by   float64
	}
	scale := func(x []float64) float64 { return max(stats.Summarize(x).Std, 1e-12) }
	if len(learned) < 2 {
		return nil
	}
	sl, sh := scale(learned), scale(hidden)
	var all []pair
	for i := range learned {
		for j := range learned {
			if by := min((learned[i]-learned[j])/sl, (hidden[j]-hidden[i])/sh); by > 0 {
				all = append(all, pair{i, j, by})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b pair) int { return cmp.Compare(b.by, a.by) })
	used := map[int]int{}
	for _, p := range all {
		if len(pairs) == n {
			break
		}
		if used[p.i] < 3 && used[p.j] < 3 {
			used[p.i]++
			used[p.j]++
			pairs = append(pairs, [2]int{p.i, p.j})
		}
	}
	return pairs
}

// ask puts pairs of episodes on a desk: of the first the piece in which the learned reward is highest
// against what is hidden, of the second the piece in which it is lowest.
func ask(d label.Desk, spec *env.Spec, pairs [][2]int, eps []*traj.Episode, scores [][2][]float64, steps int) error {
	store, asker := feedback.NewStore(feedback.ShapeOf(spec)), d.Ask()
	segment := func(i int, sign float64) (feedback.Segment, error) {
		ep := eps[i]
		t := &feedback.Trajectory{Level: ep.Level.ID(spec), End: ep.Last, Obs: ep.Obs, Act: ep.Act, Facts: ep.Facts, Reward: ep.Reward}
		id, err := store.Add(t)
		n := min(steps, ep.Len())
		best, from, sum := math.Inf(-1), 0, 0.0
		for k := range ep.Len() {
			sum += sign * (scores[i][0][k] - scores[i][1][k])
			if k >= n {
				sum -= sign * (scores[i][0][k-n] - scores[i][1][k-n])
			}
			if k >= n-1 && sum > best {
				best, from = sum, k-n+1
			}
		}
		return feedback.Segment{Traj: id, From: int32(from), To: int32(from + n)}, err
	}
	for _, p := range pairs {
		a, errA := segment(p[0], 1)
		b, errB := segment(p[1], -1)
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		if a.Traj == b.Traj {
			continue // two elites that do the same
		}
		if err := asker.Post(label.Query{A: a, B: b}, eps[p[0]], eps[p[1]]); err != nil {
			return err
		}
	}
	return nil
}

// checkRedTeam checks that there is a reward to suspect.
func (p *Plan) checkRedTeam() error {
	c := p.QD.RedTeam
	if c == nil {
		return nil
	}
	if c.Steps == 0 {
		c.Steps = 50
	}
	if c.Questions < 0 || c.Questions > 10_000 || c.Steps < 1 {
		return p.at("qd.redteam", fmt.Errorf("questions is %d and steps %d: want 0 to 10000 and at least 1", c.Questions, c.Steps))
	}
	if p.suspected() < 0 || len(p.Reward) < 2 {
		return p.at("qd.redteam", errors.New("the reward needs a term learned, and one of what is hidden with a negative weight: "+
			"reward: [{name: learned, options: {run: runs/mine}}, {name: task, as: hidden, weight: -1}]"))
	}
	return nil
}

// suspectMaps draws what a learned reward makes of the elites of a seed, and what is hidden. There
// are none without suspects.
func (q *QDConfig) suspectMaps(dir string, a qd.Archive, seed uint64) (out []mapView, err error) {
	data, err := os.ReadFile(filepath.Join(dir, suspectsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s Suspects
	if err := json.Unmarshal(data, &s); err != nil || len(s.Learned) != a.Len() || len(s.Hidden) != a.Len() {
		return nil, lacking(fmt.Errorf("%s does not fit the archive: %w", filepath.Join(dir, suspectsFile), errors.Join(err, errors.New("delete it and resume"))))
	}
	for _, part := range []struct {
		name   string
		values []float64
	}{{"the learned reward, version " + s.Version + ",", s.Learned}, {"what is hidden from it", s.Hidden}} {
		v, err := q.mapOf(&judged{a, part.values})
		if err != nil {
			return nil, err
		}
		v.Caption = fmt.Sprintf("Seed %d: what %s says of each policy; their rank correlation is %.2f, and %s %s on the desk of terrarium label.",
			seed, part.name, float64(s.Rank), plural(len(s.Pairs), "pair"), map[bool]string{true: "is", false: "are"}[len(s.Pairs) == 1])
		out = append(out, v)
	}
	return out, nil
}

// judged is an archive whose objectives are replaced.
type judged struct {
	qd.Archive
	values []float64
}

// Elite returns elite i with another objective.
func (j *judged) Elite(i int) qd.Elite {
	e := j.Archive.Elite(i)
	e.Objective = float32(j.values[i])
	return e
}
