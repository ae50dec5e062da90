package playback

import (
	"errors"
	"fmt"
	"image"
	"math"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// LabelFile is the name of the file that answers are kept in: a feedback.Log, whose segments are
// those of the recorded episodes as feedback.Trajectory.
const LabelFile = "labels.feedback"

// Labels asks which of two pieces of episodes is better, and keeps the answers.
type Labels struct {
	log   *feedback.Log
	store *feedback.Store
	ids   map[*Track]uint64
	count uint32 // questions asked, in all sessions
	given int    // answers of this session
	pair  [2]piece
	clock float64 // seconds since the question was asked
}

// A piece is some steps of a track.
type piece struct {
	track    *Track
	from, to int
}

const (
	pieceSeconds              = 2 // of simulated time, in a piece
	pairPurpose   rng.Purpose = 0x706169
	viewerSource              = "viewer"
	tieLabel                  = 0.5
	leftLabel                 = 1
	rightLabel                = 0
	fewestEpisode             = 2
)

// label begins to ask, or ends it.
func (s *State) label() {
	if s.Labels != nil {
		l := s.Labels
		s.Labels = nil
		if !s.fail(l.log.Close()) {
			s.Say(fmt.Sprintf("%d answers in %s", l.given, filepath.Join(s.Folder, LabelFile)))
		}
		return
	}
	l := &Labels{ids: map[*Track]uint64{}}
	if err := l.open(s); s.fail(err) {
		return
	}
	s.Labels = l
	s.ask()
}

// open takes in the episodes that can be compared, and opens the log.
func (l *Labels) open(s *State) error {
	spec := s.Tracks[0].Spec()
	if spec.Agents != 1 {
		return errors.New("pairs can be compared where a world has one agent")
	}
	l.store = feedback.NewStore(feedback.ShapeOf(spec))
	for _, t := range s.Tracks {
		ep := t.Episode()
		if t.Spec().ID != spec.ID || ep.Len() < 2 || t.Live() {
			continue
		}
		id, err := l.store.Add(&feedback.Trajectory{
			Level: ep.Level.ID(spec), End: ep.Last, Obs: ep.Obs, Act: ep.Act, Facts: ep.Facts, Reward: ep.Reward,
		})
		if err != nil {
			return err
		}
		l.ids[t] = id
	}
	if l.store.Len() < fewestEpisode {
		return errors.New("comparing needs two different episodes that have ended")
	}
	log, before, err := feedback.OpenLog(filepath.Join(s.Folder, LabelFile))
	if err != nil {
		return err
	}
	l.log, l.count = log, uint32(len(before))
	return nil
}

// ask chooses the next pair: pieces of two different episodes.
func (s *State) ask() {
	l := s.Labels
	r := rng.New(uint64(len(l.ids))).Stream(pairPurpose, 0, l.count)
	l.count++
	l.clock = 0
	var able []*Track
	for _, t := range s.Tracks {
		if _, ok := l.ids[t]; ok {
			able = append(able, t)
		}
	}
	for {
		a, b := able[r.IntN(len(able))], able[r.IntN(len(able))]
		if l.ids[a] == l.ids[b] {
			continue
		}
		for i, t := range [2]*Track{a, b} {
			n := min(max(2, int(pieceSeconds/t.Spec().Dt)), t.Len())
			from := r.IntN(t.Len() - n + 1)
			l.pair[i] = piece{t, from, from + n}
		}
		return
	}
}

// answer keeps the probability that the left one is better, and asks again.
func (s *State) answer(left float32) {
	l := s.Labels
	var seg [2]feedback.Segment
	for i, p := range l.pair {
		seg[i] = feedback.Segment{Traj: l.ids[p.track], From: int32(p.from), To: int32(p.to)}
	}
	r := feedback.Better(seg[0], seg[1])
	r.Label, r.Seconds, r.Source = left, float32(l.clock), viewerSource
	if s.fail(l.log.Append(&r)) {
		return
	}
	l.given++
	s.ask()
}

// compare shows the moment of both pieces, again and again, for as long as there is no answer.
func (s *State) compare(dt float64) {
	l := s.Labels
	if s.Playing {
		l.clock += min(dt, longest)
	}
	for _, p := range l.pair {
		step := float64(p.track.Spec().Dt)
		length := float64(p.to-p.from) * step
		at := math.Mod(l.clock*s.Speed(), length+rest/2.)
		if s.fail(p.track.Seek(p.from + min(int(at/step+0.5), p.to-p.from))) {
			return
		}
	}
}

// question writes what is asked.
func (s *State) question(dst Surface, t *look) {
	c := &s.screen
	text := fmt.Sprintf("Which is better?   \u2190 left   \u2192 right   \u2193 as good   \u2191 skip        %d answers   w: end", s.Labels.given)
	size := 16 * c.scale
	w := int(dst.Width(size, text))
	x := (dst.Size().X - w) / 2
	box := image.Rect(x-c.px(12), c.area.Max.Y-c.px(44), x+w+c.px(12), c.area.Max.Y-c.px(10))
	plate(dst, box, t)
	plate(dst, box, t)
	dst.Text(float32(x), float32(box.Max.Y-c.px(11)), size, text, t.Text)
}
