package label

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Signal measures a segment.
type Signal func(v feedback.View) float64

// FactMean returns the signal that is the mean of one column of the facts.
func FactMean(column int) Signal {
	return func(v feedback.View) (sum float64) {
		for i := column; i < len(v.Facts); i += v.Shape.Facts {
			sum += float64(v.Facts[i])
		}
		return sum / float64(v.Len())
	}
}

// FactLast returns the signal that is the last value of one column of the facts.
func FactLast(column int) Signal {
	return func(v feedback.View) float64 { return float64(v.Facts[len(v.Facts)-v.Shape.Facts+column]) }
}

// FactMax returns the signal that is the largest value of one column of the facts.
func FactMax(column int) Signal {
	return func(v feedback.View) float64 {
		most := math.Inf(-1)
		for i := column; i < len(v.Facts); i += v.Shape.Facts {
			most = max(most, float64(v.Facts[i]))
		}
		return most
	}
}

// Survived is the signal that is 0 if the segment ends with the termination of its episode, else 1.
func Survived(v feedback.View) float64 {
	if v.End == env.Terminated {
		return 0
	}
	return 1
}

// A Level is one factor of a hierarchy.
type Level struct {
	Name   string
	Signal Signal
	Less   bool    // less of it is better
	Margin float64 // it decides where segments differ by more than this many of its standard deviations
}

// A Tie is what a Heron makes of a pair that no level decides.
type Tie uint8

const (
	Drop Tie = iota // no answer
	Soft            // the label 0.5
)

// A Heron compares segments by levels, the most important first: Bukharin, Li, He and Zhao, "Deep
// Reinforcement Learning from Hierarchical Weak Preference Feedback" (2023, "HERON"). The first
// level on which one is better by more than a margin decides. Nothing but the order and the
// margins is asked of people, and no monotone rescaling of a signal matters much: it changes
// margins, never an order.
//
// A strict order of levels cannot trade one off against another: use its labels to begin with
// where that is needed. How much each level decides is told by an [Inspector].
type Heron struct {
	Levels    []Level // any number, at least one
	Ties      Tie
	Scale     float64 // of all margins, for a curriculum; 0 means 1
	Annotator uint32

	// Inspect, unless nil, is told of each pair.
	Inspect *Inspector

	std []float64
}

// NewHeron returns the hierarchy of levels, after checking it.
func NewHeron(levels []Level, ties Tie) (*Heron, error) {
	if len(levels) == 0 {
		return nil, fmt.Errorf("label: a hierarchy needs at least one level")
	}
	for i, l := range levels {
		if l.Signal == nil {
			return nil, fmt.Errorf("label: level %d, %q, has no signal", i+1, l.Name)
		}
		if !(l.Margin >= 0) || math.IsInf(l.Margin, 0) {
			return nil, fmt.Errorf("label: margin of level %d, %q, is %v, want 0 or more", i+1, l.Name, l.Margin)
		}
	}
	return &Heron{Levels: levels, Ties: ties, std: make([]float64, len(levels))}, nil
}

// Fit sets the standard deviations that margins are multiples of, from segments such as those of
// the last episodes. Until then they are 0.
func (h *Heron) Fit(s *feedback.Store, window []feedback.Segment) error {
	if len(window) < 2 {
		return fmt.Errorf("label: standard deviations of %d segments", len(window))
	}
	for i, l := range h.Levels {
		var mean, square float64 // Welford, "Note on a method for calculating corrected sums of squares and products", 1962
		for n, seg := range window {
			v, err := s.View(seg)
			if err != nil {
				return err
			}
			x := l.Signal(v)
			d := x - mean
			mean += d / float64(n+1)
			square += float64(d * (x - mean))
		}
		std := math.Sqrt(square / float64(len(window)))
		if math.IsNaN(std) || math.IsInf(std, 0) {
			return fmt.Errorf("label: level %d, %q, has deviation %v", i+1, l.Name, std)
		}
		h.std[i] = std
	}
	return nil
}

// Std returns the standard deviations in use, one a level.
func (h *Heron) Std() []float64 { return h.std }

// SetStd sets the standard deviations, such as those of another Fit.
func (h *Heron) SetStd(std []float64) { copy(h.std, std) }

// AppendBinary appends the standard deviations, as float64.
func (h *Heron) AppendBinary(b []byte) ([]byte, error) {
	for _, x := range h.std {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b, nil
}

// UnmarshalBinary restores what AppendBinary wrote for as many levels.
func (h *Heron) UnmarshalBinary(b []byte) error {
	if len(b) != 8*len(h.std) {
		return fmt.Errorf("label: state of %d bytes of a hierarchy of %d levels", len(b), len(h.std))
	}
	for i := range h.std {
		h.std[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return nil
}

// Compare returns the level that decides between two segments, from 1, or 0 if none does, and by
// how much: positive if a is better.
func (h *Heron) Compare(a, b feedback.View) (level int, gap float64) {
	scale := h.Scale
	if scale == 0 {
		scale = 1
	}
	for i, l := range h.Levels {
		d := l.Signal(a) - l.Signal(b)
		if l.Less {
			d = -d
		}
		if math.Abs(d) > float64(scale*l.Margin)*h.std[i] {
			return i + 1, d
		}
	}
	return 0, 0
}

// Label answers a query. The record's Level is the one that decided, its Strength the difference
// of the signals there.
func (h *Heron) Label(s *feedback.Store, q Query) (feedback.Record, bool, error) {
	a, b, err := views(s, q)
	if err != nil {
		return feedback.Record{}, false, err
	}
	level, gap := h.Compare(a, b)
	if math.IsNaN(gap) || math.IsInf(gap, 0) {
		return feedback.Record{}, false, fmt.Errorf("label: level %d, %q: the segments differ by %v", level, h.Levels[level-1].Name, gap)
	}
	r := pair(q, 0.5)
	r.Annotator, r.Source, r.Level, r.Strength = h.Annotator, "heron", int32(level), float32(gap)
	switch {
	case gap > 0:
		r.Label = 1
	case gap < 0:
		r.Label = 0
	}
	if h.Inspect != nil {
		h.Inspect.count(level, len(h.Levels))
	}
	return r, level > 0 || h.Ties == Soft, nil
}

// WinRate returns the share of pairs, one segment of each list, in which a is better under the
// hierarchy; undecided pairs count half. It is HERON as a measure of policies.
func (h *Heron) WinRate(s *feedback.Store, a, b []feedback.Segment) (float64, error) {
	if len(a) == 0 || len(a) != len(b) {
		return 0, fmt.Errorf("label: win rate of %d segments against %d", len(a), len(b))
	}
	won := 0.0
	for i := range a {
		va, vb, err := views(s, Query{A: a[i], B: b[i]})
		if err != nil {
			return 0, err
		}
		switch _, gap := h.Compare(va, vb); {
		case gap > 0:
			won++
		case gap == 0:
			won += 0.5
		}
	}
	return won / float64(len(a)), nil
}

// An Inspector counts which level of a Heron decided. The zero value is ready for use.
type Inspector struct {
	Decided []int // by level; [0] the pairs that none decided
	Right   []int // of them, those that agree with what Check was told
	Checked []int // and how many it was told of
}

func (i *Inspector) grow(levels int) {
	for len(i.Decided) <= levels {
		i.Decided, i.Right, i.Checked = append(i.Decided, 0), append(i.Right, 0), append(i.Checked, 0)
	}
}

func (i *Inspector) count(level, levels int) {
	i.grow(levels)
	i.Decided[level]++
}

// Check compares a record of a Heron with the truth, by level. Records and truths without a
// preference do not count.
func (i *Inspector) Check(r *feedback.Record, truth float32) {
	side, strict := r.Prefers()
	if !strict || truth == 0.5 {
		return
	}
	i.grow(int(r.Level))
	i.Checked[r.Level]++
	if (side == 0) == (truth > 0.5) {
		i.Right[r.Level]++
	}
}

// Total returns the number of pairs.
func (i *Inspector) Total() (n int) {
	for _, d := range i.Decided {
		n += d
	}
	return n
}

// Share returns the share of pairs that a level decided, from 1; of 0, that none did.
func (i *Inspector) Share(level int) float64 {
	if level >= len(i.Decided) || i.Total() == 0 {
		return 0
	}
	return float64(i.Decided[level]) / float64(i.Total())
}

// Err reports a hierarchy that is none: its first level decides more than 99 % of the pairs, so
// that the others do not matter, or less than 1 %, so that it does not.
func (i *Inspector) Err() error {
	if i.Total() == 0 {
		return fmt.Errorf("label: the hierarchy was asked nothing")
	}
	if len(i.Decided) < 3 {
		return nil // one level only
	}
	if s := i.Share(1); s > 0.99 || s < 0.01 {
		return fmt.Errorf("label: the first of %d levels decides %.1f %% of %d pairs, want 1 to 99: change its margin or the order",
			len(i.Decided)-1, 100*s, i.Total())
	}
	return nil
}

// String tells the share of each level, and how often it was right if it was checked.
func (i *Inspector) String() string {
	var b strings.Builder
	for l := 1; l < len(i.Decided); l++ {
		fmt.Fprintf(&b, "level %d %.1f %%", l, 100*i.Share(l))
		if i.Checked[l] > 0 {
			fmt.Fprintf(&b, " (%.0f %% right)", 100*float64(i.Right[l])/float64(i.Checked[l]))
		}
		b.WriteString(", ")
	}
	fmt.Fprintf(&b, "none %.1f %%", 100*i.Share(0))
	return b.String()
}
