package replay

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
)

// A Driver chooses the actions of an episode that is being played. Every agents.Policy is one.
type Driver interface {
	// Act fills b.Act from b.Obs; see agents.Policy.
	Act(b *env.Batch, k rng.Key, explore bool)
}

// A Scene says which episode Play begins.
type Scene struct {
	Config  env.Config
	Levels  env.Levels // default: those of the environment
	World   int        // number of the world, which decides its level and its chance events
	Seed    uint64
	Purpose string // for the recording, such as "play"
}

// Play returns a Player at the first moment of a new episode, which d plays as far as it is looked
// at. Whatever is played is recorded.
func Play(s Scene, d Driver) (*Player, error) {
	origin, err := traj.OriginOf(s.Config, s.Purpose, s.Seed)
	if err != nil {
		return nil, err
	}
	vec, err := env.NewVec(s.Config, env.VecOptions{Worlds: 1, Workers: 1, First: s.World, Levels: s.Levels})
	if err != nil {
		return nil, err
	}
	vec.Reset(s.Seed)
	return play(vec, origin, nil, d)
}

// Fork returns a Player of another episode: until the moment that p shows it is p's, and from
// there d plays it. It shows the same moment.
func (p *Player) Fork(d Driver, purpose string) (*Player, error) {
	vec, err := p.ep.Open()
	if err != nil {
		return nil, err
	}
	origin := p.ep.Origin
	origin.Purpose = purpose
	past := make([][]float32, p.step)
	for t := range past {
		past[t] = p.ep.Action(t)
	}
	return play(vec, origin, past, d)
}

// play records an episode of a world that is about to begin, after actions of the past.
func play(vec env.Vec, origin traj.Origin, past [][]float32, d Driver) (*Player, error) {
	rec, err := traj.NewRecorder(vec, 0, origin)
	if err != nil {
		return nil, errors.Join(err, vec.Close())
	}
	p := &Player{vec: vec, batch: env.NewBatch(vec.Spec(), 1), returns: make([]float64, 1, 1024), rec: rec, key: rng.New(origin.Seed)}
	rec.Begin()
	if err := vec.Observe(p.batch); err != nil {
		return nil, errors.Join(err, vec.Close())
	}
	rec.Observed(p.batch)
	p.ep = rec.Episode()
	for _, act := range past {
		p.driver = fixed(act)
		if err := p.forward(); err != nil {
			return nil, errors.Join(err, vec.Close())
		}
	}
	p.driver = d
	return p, nil
}

// fixed is a Driver of a single action.
type fixed []float32

// Act copies the action.
func (f fixed) Act(b *env.Batch, _ rng.Key, _ bool) { copy(b.Act, f) }

// Live reports whether steps may still be added to the episode.
func (p *Player) Live() bool { return p.driver != nil && p.rec.Recording() }

// Driver returns who plays the episode; nil if it is a recording.
func (p *Player) Driver() Driver { return p.driver }

// AtEnd reports whether the moment shown is the last one known.
func (p *Player) AtEnd() bool { return p.step == p.ep.Len() }

// decide lets the driver fill in the action of a new step.
func (p *Player) decide() { p.driver.Act(p.batch, p.key.Fold(uint64(p.step)), true) }

// Save writes the episode, as far as it is known, to a file.
func (p *Player) Save(path string) error {
	if p.ep.Len() == 0 {
		return fmt.Errorf("%s: not a step of the episode has been played yet", path)
	}
	return p.ep.Save(path)
}

// Inspect adds to l what the picture of the moment leaves out.
func (p *Player) Inspect(l env.Canvas, layer env.Layer) {
	if i, ok := p.vec.(env.Inspector); ok {
		i.Inspect(l, 0, layer)
	}
}
