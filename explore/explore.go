// Package explore rewards novelty: bonuses that are added to the reward so that an agent looks
// for what it does not know.
//
// A [Bonus] scores each transition by the state it leads to, then learns from it. Global bonuses
// remember all of training, episodic ones the present episode; [Parse] combines them in one
// expression:
//
//	0.5 * norm(noveld(alpha=0.5) * e3b(ridge=0.1))
//
// Global are count, rnd, icm, disagreement, progress, re3 and apt; episodic are episodic_count,
// e3b and ngu; noveld and ride are both. Functions are norm (divide by the running standard
// deviation), clip and decay. Which to use: global bonuses win where episodes share structure,
// episodic ones where every episode is a new world, and their product is robust (Henaff, Jiang and Raileanu, "A study of global and episodic bonuses for exploration in
// contextual MDPs", ICML 2023).
//
// Package exploretest checks bonuses of others.
package explore

import (
	"encoding"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// A Bonus is a reward that learns from what it scores. For every step of training Score is
// called once and then Update once, with the same batch: what is scored has not been learned.
// Both look at b.Next, the state a transition leads to, and keep a memory for each row, which
// Update clears where an episode ended.
//
// The state of a Bonus is complete: one of the same Config that loads it goes on to the same
// bits. Neither method allocates, but for tables that grow.
type Bonus interface {
	rewards.Func

	// Update learns from b and reports how it goes, if report is not nil, by names that are
	// constant and short, such as loss. It fails if the bonus is no longer finite.
	Update(b *env.Batch, report func(name string, value float64)) error

	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Setup is what a bonus is built for.
type Setup struct {
	Spec    *env.Spec
	Rows    int     // rows of the batches it will see
	Key     rng.Key // source of all its randomness
	Workers int     // goroutines it may use; below 1 counts as 1. Results do not depend on it
}

// chunk is the number of rows that a worker takes at a time.
const chunk = 32

func chunks(rows int) int { return (rows + chunk - 1) / chunk }

// A Config holds the options of a bonus: a pointer to a struct whose fields have `json` names
// and hold the defaults when it is made.
type Config interface {
	// Build checks the options and returns the bonus.
	Build(s Setup) (Bonus, error)
}

var configs = registry.New[func() Config]("bonus")

// Register makes a bonus available by name. newConfig returns the default options.
func Register(name string, newConfig func() Config) { configs.Register(name, newConfig) }

// Names returns the registered names, sorted.
func Names() []string { return configs.Names() }

// Open returns the options of the named bonus after decode, which may be nil, has written over
// the defaults.
func Open(name string, decode func(options any) error) (Config, error) {
	newConfig, err := configs.Lookup(name)
	if err != nil {
		return nil, err
	}
	c := newConfig()
	if decode != nil {
		if err := decode(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// A view picks columns of a batch: fields of the next observation or, where there is none of
// that name, facts.
type view struct {
	obs, facts   []int // columns
	obsW, factsW int   // widths of the rows
}

// newView returns the view of the named fields; of the whole observation if there are none.
func newView(s *env.Spec, names []string) (*view, error) {
	v := &view{obsW: env.Width(s.Obs), factsW: env.Width(s.Facts)}
	if len(names) == 0 {
		for i := range v.obsW {
			v.obs = append(v.obs, i)
		}
		return v, nil
	}
	for _, name := range names {
		if err := v.add(s, name); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *view) add(s *env.Spec, name string) error {
	for _, part := range []struct {
		fields []env.Field
		cols   *[]int
	}{{s.Obs, &v.obs}, {s.Facts, &v.facts}} {
		at := 0
		for _, f := range part.fields {
			if f.Name == name {
				for i := range f.Len {
					*part.cols = append(*part.cols, at+i)
				}
				return nil
			}
			at += f.Len
		}
	}
	var names []string
	for _, f := range append(append([]env.Field(nil), s.Obs...), s.Facts...) {
		names = append(names, f.Name)
	}
	return fmt.Errorf("%s has no observation or fact %q%s", s.ID, name, registry.Suggest(name, names))
}

// width returns the number of columns.
func (v *view) width() int { return len(v.obs) + len(v.facts) }

// next writes the columns of the state that row i leads to.
func (v *view) next(dst []float32, b *env.Batch, i int) {
	for j, c := range v.obs {
		dst[j] = b.Next[i*v.obsW+c]
	}
	for j, c := range v.facts {
		dst[len(v.obs)+j] = b.Facts[i*v.factsW+c]
	}
}
