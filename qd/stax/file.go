package stax

import "fmt"

// A file is the saved form of a search. Solutions that several lists hold are one in memory, and
// have to be one again: the lists are saved as numbers.
type file struct {
	All   []*Solution
	Lists lists
	Plain state // without solutions
}

type lists struct {
	Population, Offspring, Archive, Rewards, Candidates []int
	Emitters                                            []emitterLists
}

type emitterLists struct {
	Ancestor       int
	Members, Novel []int
}

func (s *state) numbers(number map[*Solution]int) (l lists) {
	of := func(list []*Solution) (out []int) {
		for _, a := range list {
			out = append(out, number[a])
		}
		return out
	}
	l.Population, l.Offspring, l.Archive = of(s.Population), of(s.Offspring), of(s.Archive)
	l.Rewards, l.Candidates = of(s.Rewards), of(s.Candidates)
	for _, e := range s.Emitters {
		l.Emitters = append(l.Emitters, emitterLists{number[e.Ancestor], of(e.Members), of(e.Novel)})
	}
	return l
}

// plain returns s without solutions.
func (s state) plain() state {
	s.Population, s.Offspring, s.Archive, s.Rewards, s.Candidates = nil, nil, nil, nil, nil
	emitters := make([]*Emitter, len(s.Emitters))
	for i, e := range s.Emitters {
		c := *e
		c.Ancestor, c.Members, c.Novel = nil, nil, nil
		emitters[i] = &c
	}
	s.Emitters = emitters
	return s
}

// state returns the state that f is the saved form of.
func (f *file) state() (*state, error) {
	bad := false
	of := func(list []int) (out []*Solution) {
		for _, n := range list {
			if n < 0 || n >= len(f.All) {
				bad = true
				return nil
			}
			out = append(out, f.All[n])
		}
		return out
	}
	s, l := f.Plain, f.Lists
	s.Population, s.Offspring, s.Archive = of(l.Population), of(l.Offspring), of(l.Archive)
	s.Rewards, s.Candidates = of(l.Rewards), of(l.Candidates)
	if len(s.Emitters) != len(l.Emitters) || len(s.Sigmas) != len(l.Candidates) {
		return nil, fmt.Errorf("stax: damaged state: %d emitters have %d lists, %d candidates %d sigmas",
			len(s.Emitters), len(l.Emitters), len(l.Candidates), len(s.Sigmas))
	}
	for i, e := range s.Emitters {
		a := of([]int{l.Emitters[i].Ancestor})
		if bad {
			break
		}
		e.Ancestor, e.Members, e.Novel = a[0], of(l.Emitters[i].Members), of(l.Emitters[i].Novel)
		if n := (e.Steps + 1) * len(e.Members); len(e.Values) != n {
			return nil, fmt.Errorf("stax: the state is damaged, or of an older program: emitter %d remembers %d rewards, want %d", i, len(e.Values), n)
		}
	}
	if bad {
		return nil, fmt.Errorf("stax: damaged state: it mentions solutions that it does not hold")
	}
	return &s, nil
}
