package lab

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/scene"
)

func init() { commands = append(commands, recordCommand) }

// recordOptions are the options of the record command.
type recordOptions struct {
	out     string
	seed    uint64
	anySeed bool   // no seed was asked for
	episode string // best, last, first, or a number
	worlds  string // number of episodes, or COLUMNSxROWS
	agent   string // who plays if the source is an environment
	preset  string // on which levels
	picture pictureOptions
}

func recordCommand() *cobra.Command {
	var o recordOptions
	c := &cobra.Command{
		Use:   "record RUN|REPLAY|ENV... -o FILE",
		Short: "Make a picture or a film of episodes, without a display",
		Long: `Make a picture (.png) or a film (.gif, .apng, and .mp4 or .webm if ffmpeg is installed) of
episodes: of those that a run recorded, of a single replay file, or of new ones that a
scripted or untrained agent plays in an environment. Several sources, such as two runs to
compare, share the grid.`,
		Example: `  terrarium record runs/lander -o landing.gif
  terrarium record runs/lander -o four.mp4 --worlds 2x2 --episode first
  terrarium record runs/lander -o moments.png --moments 4
  terrarium record runs/lander runs/other -o both.gif
  terrarium record lander-v0 -o levels.png --worlds 4x2 --seed 7`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, sources []string) error {
			o.anySeed = !c.Flags().Changed("seed")
			if !c.Flags().Changed("worlds") {
				o.worlds = fmt.Sprintf("%dx1", len(sources))
			}
			return record(sources, o)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.out, "output", "o", "", "file to write: .png .gif .apng .mp4 .webm")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the run to take episodes from, or to play with; default: any, 0")
	f.StringVar(&o.episode, "episode", "best", "which recorded episode: best, last, first, or its number from 0")
	f.StringVar(&o.worlds, "worlds", "", "number of episodes, or COLUMNSxROWS of their grid (default one a source)")
	f.StringVar(&o.agent, "agent", "", "who plays a new episode; default: scripted, or else random")
	f.StringVar(&o.preset, "levels", "", "named levels on which a new episode is played; see terrarium describe env")
	o.picture.flags(f)
	_ = c.MarkFlagRequired("output") // the flag exists
	return c
}

// record makes what the record command is asked for.
func record(sources []string, o recordOptions) error {
	n, cols, err := parseGrid(o.worlds)
	if err != nil {
		return err
	}
	if err := o.picture.check(o.out); err != nil {
		return err
	}
	if n < len(sources) {
		return fmt.Errorf("--worlds %s: too few for %d sources", o.worlds, len(sources))
	}
	var eps []*traj.Episode
	for i, source := range sources {
		share := n*(i+1)/len(sources) - n*i/len(sources)
		more, err := o.episodes(source, share)
		if err != nil {
			return err
		}
		eps = append(eps, more...)
	}
	return o.picture.write(o.out, eps, cols)
}

// parseGrid reads the number of episodes, "6", or the shape of their grid, "3x2".
func parseGrid(s string) (n, cols int, err error) {
	a, b, grid := strings.Cut(s, "x")
	n, err1 := strconv.Atoi(a)
	rows, err2 := 1, error(nil)
	if grid {
		rows, err2 = strconv.Atoi(b)
	}
	if err1 != nil || err2 != nil || n < 1 || rows < 1 || n > 256 || rows > 256/n {
		return 0, 0, fmt.Errorf("--worlds %q: want a number such as 6, or a grid such as 3x2, of at most 256", s)
	}
	if grid {
		return n * rows, n, nil
	}
	for cols = 1; cols*cols < n; {
		cols++
	}
	return n, cols, nil
}

// episodes returns up to n episodes of a run, a replay file, or an environment.
func (o *recordOptions) episodes(source string, n int) ([]*traj.Episode, error) {
	info, err := os.Stat(source)
	switch {
	case err == nil && info.IsDir():
		eps, err := loadEpisodes(source, o.seed, o.anySeed)
		if err != nil {
			return nil, err
		}
		return chooseEpisodes(eps, o.episode, n)
	case err == nil:
		ep, err := traj.Load(source)
		return []*traj.Episode{ep}, err
	case slices.Contains(env.Names(), source):
		return playEpisodes(source, o.agent, o.preset, o.seed, n)
	}
	return nil, fmt.Errorf("%q is neither the folder of a run, nor a replay file, nor an environment%s", source, registry.Suggest(source, env.Names()))
}

// loadEpisodes reads the recorded episodes of a run, or of one of its seeds. Those of
// evaluations are preferred to those of training.
func loadEpisodes(dir string, seed uint64, anySeed bool) ([]*traj.Episode, error) {
	folder := "seed-*"
	if !anySeed {
		folder = fmt.Sprintf("seed-%d", seed)
	}
	for _, kind := range []string{"eval", "train"} {
		var eps []*traj.Episode
		for _, under := range []string{folder, "."} {
			paths, err := filepath.Glob(filepath.Join(globEscape(dir), under, "replays", kind+"-*.replay"))
			if err != nil {
				return nil, err
			}
			for _, path := range paths {
				ep, err := traj.Load(path)
				if err != nil {
					return nil, err
				}
				eps = append(eps, ep)
			}
		}
		if len(eps) > 0 {
			return eps, nil
		}
	}
	return nil, lacking(fmt.Errorf("no recorded episodes in %s: looked for %s", dir, filepath.Join(folder, "replays", "*.replay")))
}

// chooseEpisodes returns n of eps, or as many as there are: the best first, the last ones, or
// those from a number on.
func chooseEpisodes(eps []*traj.Episode, which string, n int) ([]*traj.Episode, error) {
	eps = slices.Clone(eps)
	first := 0
	switch which {
	case "best":
		slices.SortStableFunc(eps, func(a, b *traj.Episode) int { return cmp.Compare(b.Return(), a.Return()) })
	case "first":
	case "last":
		first = max(0, len(eps)-n)
	default:
		k, err := strconv.Atoi(which)
		if err != nil || k < 0 || k >= len(eps) {
			return nil, fmt.Errorf("--episode %q: want best, last, first, or a number from 0 to %d", which, len(eps)-1)
		}
		first = k
	}
	return eps[first:min(len(eps), first+n)], nil
}

// longestPlay ends the episodes of environments that never do.
const longestPlay = 3000

// playEpisodes lets an agent play an episode in each of n worlds.
func playEpisodes(name, agent, preset string, seed uint64, n int) ([]*traj.Episode, error) {
	c, err := env.Open(name, nil)
	if err != nil {
		return nil, err
	}
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	levels, err := (&env.LevelSet{Preset: preset}).Compile(spec)
	if err != nil {
		return nil, err
	}
	vec, err := env.NewVec(c, env.VecOptions{Worlds: n, Levels: levels})
	if err != nil {
		return nil, err
	}
	policy, err := playerFor(spec, agent, seed, n)
	if err != nil {
		return nil, errors.Join(err, vec.Close())
	}
	origin, err := traj.OriginOf(c, "play", seed)
	if err != nil {
		return nil, errors.Join(err, vec.Close())
	}
	eps, err := playAll(vec, policy, origin)
	return eps, errors.Join(err, vec.Close())
}

// playerFor returns the named agent, untrained, or whoever plays best without training.
func playerFor(spec *env.Spec, name string, seed uint64, worlds int) (agents.Policy, error) {
	if name == "" {
		name = "random"
		if slices.Contains(scripted.Names(), spec.ID) {
			name = "scripted"
		}
	}
	c, err := agents.Open(name, nil)
	if err != nil {
		return nil, err
	}
	return c.Build(agents.Setup{Spec: spec, Rows: worlds * spec.Agents, Key: rng.New(seed).Fold(learnPurpose), Workers: 1})
}

// playAll records the first episode of each world.
func playAll(vec env.Vec, policy agents.Policy, origin traj.Origin) ([]*traj.Episode, error) {
	key := rng.New(origin.Seed)
	vec.Reset(key.Fold(worldPurpose).Uint64())
	recorders := make([]*traj.Recorder, vec.Len())
	for i := range recorders {
		var err error
		if recorders[i], err = traj.NewRecorder(vec, i, origin); err != nil {
			return nil, err
		}
	}
	eps := make([]*traj.Episode, vec.Len())
	b := env.NewBatch(vec.Spec(), vec.Len())
	for step, left := uint64(0), len(eps); left > 0; step++ {
		if step == longestPlay {
			return nil, fmt.Errorf("env %s: no end of the episode within %d steps", origin.Env, longestPlay)
		}
		each := func(f func(i int, r *traj.Recorder)) {
			for i, r := range recorders {
				if eps[i] == nil {
					f(i, r)
				}
			}
		}
		each(func(_ int, r *traj.Recorder) { r.Begin() })
		if err := vec.Observe(b); err != nil {
			return nil, err
		}
		each(func(_ int, r *traj.Recorder) { r.Observed(b) })
		policy.Act(b, key.Fold(actPurpose).Fold(step), true)
		if err := vec.Step(b); err != nil {
			return nil, err
		}
		each(func(i int, r *traj.Recorder) {
			if eps[i] = r.Stepped(b); eps[i] != nil {
				left--
			}
		})
	}
	return eps, nil
}

// themeFlag is the theme of pictures by its name.
type themeFlag struct{ *scene.Theme }

// Set implements pflag.Value.
func (t *themeFlag) Set(name string) (err error) {
	t.Theme, err = scene.ThemeNamed(name)
	return err
}

// String implements pflag.Value.
func (t *themeFlag) String() string {
	if t.Theme == nil {
		return ""
	}
	return t.Name
}

// Type implements pflag.Value.
func (*themeFlag) Type() string { return "light|dark" }
