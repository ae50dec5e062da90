package lab

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/experiments/web"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A gallery answers the page of `terrarium serve`.
type gallery struct {
	dir    string // of runs, or of one
	viewer string // folder of the viewer for browsers; "" without

	mu       sync.Mutex
	episodes map[string]episodeView // of recordings that have been read
}

// A runLine is a run in the list of all.
type runLine struct {
	Name    string   `json:"name"` // its folder, relative to that of all
	State   string   `json:"state"`
	Steps   int64    `json:"steps"`
	Mean    *float64 `json:"mean"`    // evaluated, or else the last of training; nil without
	Trouble string   `json:"trouble"` // why it cannot be shown
}

// A runPage is all about a run.
type runPage struct {
	Name     string        `json:"name"`
	Summary  string        `json:"summary"`
	Plays    bool          `json:"plays"`   // there is a policy to play
	Measure  string        `json:"measure"` // what the curves show
	Curves   []curveView   `json:"curves"`
	Episodes []episodeView `json:"episodes"`
}

// A curveView is the learning curve of a seed; null where it has no value.
type curveView struct {
	Seed   uint64     `json:"seed"`
	Steps  []float64  `json:"steps"`
	Values []*float64 `json:"values"`
}

// An episodeView is a recording.
type episodeView struct {
	File    string  `json:"file"` // relative to the run
	Purpose string  `json:"purpose"`
	Seed    uint64  `json:"seed"`
	Steps   int     `json:"steps"`
	Return  float64 `json:"return"`

	changed time.Time
}

// reportPolicy lets a report run the script that it holds, and load nothing.
const reportPolicy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (g *gallery) mount(s *web.Server) error {
	script, err := scene.Player()
	if err != nil {
		return err
	}
	s.Handle("GET /reel.js", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write([]byte(script)) // who has left needs no answer
	}))
	s.Handle("GET /runs", web.Call(g.list))
	s.Handle("GET /run", web.Call(g.page))
	s.Handle("GET /film", web.Call(g.film))
	s.Handle("GET /replay", http.HandlerFunc(g.replay))
	s.Handle("GET /report", http.HandlerFunc(g.report))
	if g.viewer != "" {
		s.Handle("GET /viewer/", http.StripPrefix("/viewer/", http.FileServer(http.Dir(g.viewer))))
	}
	return nil
}

// names returns the folders of runs, newest first; "." is the folder itself.
func (g *gallery) names() (names []string, err error) {
	type found struct {
		name string
		at   time.Time
	}
	var all []found
	err = filepath.WalkDir(g.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name, err := filepath.Rel(g.dir, path)
		if err != nil {
			return err
		}
		if info, err := os.Stat(filepath.Join(path, configFile)); err == nil {
			all = append(all, found{name, info.ModTime()})
			return fs.SkipDir
		}
		if strings.Count(name, string(filepath.Separator)) > 2 {
			return fs.SkipDir
		}
		return nil
	})
	slices.SortFunc(all, func(a, b found) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.name, b.name)) })
	for _, f := range all {
		names = append(names, filepath.ToSlash(f.name))
	}
	return names, err
}

// open returns the folder of the run that a request names. Only folders of the list are opened.
func (g *gallery) open(r *http.Request) (string, error) {
	names, err := g.names()
	if err != nil {
		return "", err
	}
	name := r.URL.Query().Get("run")
	if !slices.Contains(names, name) {
		return "", &web.Error{Status: http.StatusNotFound, Err: fmt.Errorf("there is no run %q", name)}
	}
	return filepath.Join(g.dir, filepath.FromSlash(name)), nil
}

func (g *gallery) list(*http.Request, struct{}) (any, error) {
	names, err := g.names()
	if err != nil {
		return nil, err
	}
	lines := []runLine{}
	for _, name := range names {
		l := runLine{Name: name}
		r, err := readRun(filepath.Join(g.dir, filepath.FromSlash(name)))
		if err != nil {
			l.Trouble = err.Error()
		} else {
			l.describe(r)
		}
		lines = append(lines, l)
	}
	return map[string]any{"runs": lines, "viewer": g.viewer != ""}, nil
}

func (l *runLine) describe(r *runRecord) {
	done := 0
	for _, s := range r.Seeds {
		l.Steps += s.Steps
		if s.Done {
			done++
		}
		if v := last(s.Curve.columns["return_mean"]); s.Curve.columns["return_mean"] != nil && !math.IsNaN(v) {
			l.Mean = &v
		}
	}
	if l.State = "done"; done < len(r.Seeds) {
		l.State = "not finished"
	}
	if r.Overall != nil {
		l.Mean = &r.Overall.Mean.Value
	}
}

func (g *gallery) page(req *http.Request, _ struct{}) (*runPage, error) {
	dir, err := g.open(req)
	if err != nil {
		return nil, err
	}
	r, err := readRun(dir)
	if err != nil {
		return nil, err
	}
	var l runLine
	l.describe(r)
	p := &runPage{Name: req.URL.Query().Get("run"), Measure: "mean return of the last 100 episodes", Curves: []curveView{}, Episodes: []episodeView{}}
	if r.Plan != nil {
		p.Name = fmt.Sprintf("%s (%s)", r.Plan.Name, p.Name)
		p.Summary = fmt.Sprintf("%s on %s: ", r.Plan.Agent.Name, r.Plan.Spec.ID)
	}
	unit := "steps"
	if r.Plan != nil {
		unit = r.Plan.stepName()
	}
	p.Summary += fmt.Sprintf("%s, %s %s, %s", l.State, count(l.Steps), unit, plural(len(r.Seeds), "seed"))
	if r.Overall != nil {
		p.Summary += fmt.Sprintf("; evaluated return %s [%s, %s]", score(r.Overall.Mean.Value), score(r.Overall.Mean.Lo), score(r.Overall.Mean.Hi))
	}
	for _, s := range r.Seeds {
		c := curveView{Seed: s.Seed, Steps: s.Curve.steps}
		column := "return_mean"
		if s.Curve.columns[column] == nil { // a quality-diversity search
			column, p.Measure = "qd_score", "QD score"
		}
		for _, v := range s.Curve.columns[column] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				c.Values = append(c.Values, nil)
			} else {
				c.Values = append(c.Values, &v)
			}
		}
		if c.Values != nil {
			p.Curves = append(p.Curves, c)
		}
		if r.Plan != nil {
			path, err := NewestCheckpoint(dir, s.Seed)
			p.Plays = p.Plays || err == nil && path != ""
		}
	}
	return p, g.recordings(dir, p)
}

// recordings lists those of a run: evaluations first.
func (g *gallery) recordings(dir string, p *runPage) error {
	paths, err := filepath.Glob(filepath.Join(globEscape(dir), "seed-*", "replays", "*.replay"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		e, err := g.recording(dir, path)
		if err != nil {
			continue // damaged, or just being removed
		}
		p.Episodes = append(p.Episodes, e)
	}
	slices.SortStableFunc(p.Episodes, func(a, b episodeView) int { return cmp.Compare(a.Purpose, b.Purpose) })
	return nil
}

func (g *gallery) recording(dir, path string) (e episodeView, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return e, err
	}
	g.mu.Lock()
	e, ok := g.episodes[path]
	g.mu.Unlock()
	if ok && e.changed.Equal(info.ModTime()) {
		return e, nil
	}
	ep, err := traj.Load(path)
	if err != nil {
		return e, err
	}
	file, err := filepath.Rel(dir, path)
	if err != nil {
		return e, err
	}
	e = episodeView{filepath.ToSlash(file), ep.Purpose, ep.Seed, ep.Len(), ep.Return(), info.ModTime()}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.episodes == nil {
		g.episodes = map[string]episodeView{}
	}
	g.episodes[path] = e
	return e, nil
}

// file returns the path of the recording that a request names.
func (g *gallery) file(r *http.Request) (string, error) {
	dir, err := g.open(r)
	if err != nil {
		return "", err
	}
	name := r.URL.Query().Get("file")
	if !filepath.IsLocal(name) || filepath.Ext(name) != ".replay" {
		return "", web.BadRequest("%q is not a recording of the run", name)
	}
	return filepath.Join(dir, filepath.FromSlash(name)), nil
}

// film plays a recording, or with now=1 a new episode of the newest policy, into a reel.
func (g *gallery) film(r *http.Request, _ struct{}) (any, error) {
	var ep *traj.Episode
	title := ""
	if r.URL.Query().Get("now") != "" {
		dir, err := g.open(r)
		if err != nil {
			return nil, err
		}
		if ep, title, err = playNow(dir, r.URL.Query().Get("seed")); err != nil {
			return nil, err
		}
	} else {
		path, err := g.file(r)
		if err != nil {
			return nil, err
		}
		if ep, err = traj.Load(path); errors.Is(err, fs.ErrNotExist) {
			return nil, &web.Error{Status: http.StatusNotFound, Err: errors.New("the recording is not there any more")}
		} else if err != nil {
			return nil, err
		}
		title = filepath.Base(path)
	}
	f, err := newFilm(ep)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"reel": f.Reel, "ratio": f.Ratio,
		"title": fmt.Sprintf("%s: return %s in %s, level %s", title, score(ep.Return()), plural(ep.Len(), "step"), f.Level),
	}, nil
}

// greedy is a policy that takes the actions it believes best.
type greedy struct{ agents.Policy }

// Act calls the policy without exploration.
func (p greedy) Act(b *env.Batch, k rng.Key, _ bool) { p.Policy.Act(b, k, false) }

// playNow lets the newest policy of a run play an episode.
func playNow(dir, seedText string) (*traj.Episode, string, error) {
	seed, err := strconv.ParseUint(seedText, 10, 64)
	if err != nil {
		return nil, "", web.BadRequest("seed %q: want a whole number", seedText)
	}
	p, err := OpenRun(dir)
	if err != nil {
		return nil, "", err
	}
	for _, s := range p.Seeds {
		path, err := NewestCheckpoint(dir, s)
		if err != nil || path == "" {
			continue
		}
		policy, steps, err := LoadCheckpoint(p, path, 1)
		if err != nil {
			return nil, "", err
		}
		player, err := replay.Play(replay.Scene{Config: p.EnvConfig, Levels: p.evalLevels, Seed: seed, Purpose: "now"}, greedy{policy})
		if err != nil {
			return nil, "", err
		}
		for player.Live() && player.Len() < mostNow {
			if err := player.Seek(player.Len() + 1); err != nil {
				return nil, "", errors.Join(err, player.Close())
			}
		}
		return player.Episode(), fmt.Sprintf("the policy after %s steps", count(steps)), player.Close()
	}
	return nil, "", &web.Error{Status: http.StatusNotFound, Err: errors.New("there is no policy yet")}
}

// mostNow is the number of steps of an episode that is played for the page, at most.
const mostNow = 2000

// replay hands out the file of a recording.
func (g *gallery) replay(w http.ResponseWriter, r *http.Request) {
	path, err := g.file(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, path)
}

// report writes the report of a run as it is now.
func (g *gallery) report(w http.ResponseWriter, r *http.Request) {
	dir, err := g.open(r)
	var page []byte
	if err == nil {
		var record *runRecord
		if record, err = readRun(dir); err == nil {
			runs := []*runRecord{record}
			nameRuns(runs)
			page, err = renderReport(runs, "")
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Security-Policy", reportPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // who has left needs no answer
}
