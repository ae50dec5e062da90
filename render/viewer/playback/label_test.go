package playback

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Pairs are asked with keys and the mouse; the answers can be read by others, name steps of the
// episodes that were shown, and a later session goes on.
func TestLabel(t *testing.T) {
	s := load(t, 3)
	s.Folder, s.Playing = t.TempDir(), true
	path := filepath.Join(s.Folder, LabelFile)
	store := feedback.NewStore(feedback.ShapeOf(s.Tracks[0].Spec()))
	for _, track := range s.Tracks {
		ep := track.Episode()
		if _, err := store.Add(&feedback.Trajectory{
			Level: ep.Level.ID(track.Spec()), End: ep.Last, Obs: ep.Obs, Act: ep.Act, Facts: ep.Facts, Reward: ep.Reward,
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.tap("W")
	if s.Labels == nil {
		t.Fatal(s.Message)
	}
	seen := map[int]bool{}
	for range 40 {
		s.mustAdvance(t, 0.2)
		for _, p := range s.Labels.pair {
			if at := p.track.Step(); at < p.from || at > p.to {
				t.Fatalf("step %d is shown of a piece from %d to %d", at, p.from, p.to)
			}
		}
		seen[s.Labels.pair[0].track.Step()-s.Labels.pair[0].from] = true
	}
	if len(seen) < 8 || !seen[100] {
		t.Errorf("of two seconds these steps were shown: %v", seen)
	}
	first := s.Labels.pair
	s.tap("ArrowUp")
	if s.Labels.given != 0 || s.Labels.pair == first {
		t.Errorf("after skipping: %d answers, the same pair %v", s.Labels.given, s.Labels.pair == first)
	}
	var pairs [][2]piece
	for _, key := range []string{"ArrowLeft", "ArrowRight", "ArrowDown"} {
		pairs = append(pairs, s.Labels.pair)
		s.mustAdvance(t, 0.5)
		s.tap(key)
	}
	s.paint(900, 500)
	pairs = append(pairs, s.Labels.pair)
	right := s.screen.place(1)
	s.clickAt(right.Min.X+20, right.Min.Y+20)
	s.tap("N")
	s.tap("W")
	if s.Labels != nil || !strings.Contains(s.Message, "4 answers") {
		t.Errorf("at the end: %q", s.Message)
	}
	log, rs, err := feedback.OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	want := []float32{1, 0, 0.5, 0}
	if len(rs) != len(want) {
		t.Fatalf("%d records, want %d", len(rs), len(want))
	}
	for i, r := range rs {
		if r.Label != want[i] || i < 3 && (r.Seconds < 0.4 || r.Seconds > 0.6) || r.Source != "viewer" {
			t.Errorf("record %d: %+v, want label %v after half a second", i, r, want[i])
		}
		for k, seg := range r.Segments {
			v, err := store.View(seg)
			if err != nil {
				t.Fatal(err)
			}
			p := pairs[i][k]
			if seg.Len() != p.to-p.from || v.Act[0] != p.track.Episode().Action(p.from)[0] || v.Obs[0] != p.track.Episode().Obs[4*p.from] {
				t.Errorf("record %d, segment %d is not what was shown", i, k)
			}
		}
	}
	s.tap("W")
	s.tap("ArrowLeft")
	s.tap("W")
	log, rs, err = feedback.OpenLog(path)
	if err != nil || len(rs) != 5 {
		t.Errorf("after another session %d records: %v", len(rs), err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}

	one := load(t, 1)
	one.tap("W")
	if one.Labels != nil || !strings.Contains(one.Message, "two different episodes") {
		t.Errorf("one episode alone: %q", one.Message)
	}
}
