package feedback

import "fmt"

// A Word is what a token says of a part of a segment: that it is good, or bad.
type Word struct {
	Name     string
	From, To float32 // the part, as shares of the segment, 0 <= From < To <= 1
	Value    float32 // above 0 for good, below for bad; its size is how much the word counts
	Aspect   int     // number of what is good or bad about the part, from 0
}

// Part returns the steps the word is about, at least one, of a segment of n steps.
func (w Word) Part(n int) (from, to int) {
	from = min(int(w.From*float32(n)+0.5), n-1)
	return from, max(from+1, min(int(w.To*float32(n)+0.5), n))
}

// A Vocabulary is the meaning of tokens, by their number.
type Vocabulary []Word

// Thirds returns two words, good and bad, with which each aspect can be praised or blamed in each
// third of a segment: token (aspect*2 + bad)*3 + third. A scorer of one number learns the same of all
// aspects; model.Aspects has a number for each.
func Thirds(aspects ...string) (v Vocabulary) {
	for k, a := range aspects {
		for _, value := range []float32{1, -1} {
			for i, when := range []string{"early", "midway", "late"} {
				how := "good"
				if value < 0 {
					how = "bad"
				}
				v = append(v, Word{Name: fmt.Sprintf("%s %s %s", a, how, when), From: float32(i) / 3, To: float32(i+1) / 3, Value: value, Aspect: k})
			}
		}
	}
	return v
}

// Check reports the first word, or the first token of a Remarked record, that means nothing.
func (v Vocabulary) Check(rs []Record) error {
	for i, w := range v {
		if w.Aspect < 0 {
			return fmt.Errorf("feedback: word %d, %q, is about aspect %d, want 0 or more", i, w.Name, w.Aspect)
		}
		if !(w.From >= 0 && w.From < w.To && w.To <= 1) || w.Value == 0 || !finite(w.Value) {
			return fmt.Errorf("feedback: word %d, %q, is about %v to %v of a segment with value %v; want a part within 0 to 1 and a value other than 0", i, w.Name, w.From, w.To, w.Value)
		}
	}
	for i := range rs {
		if rs[i].Kind != Remarked {
			continue
		}
		for _, t := range rs[i].Tokens {
			if int(t) >= len(v) {
				return fmt.Errorf("feedback: record %d of annotator %d has token %d, the vocabulary has %d words", i, rs[i].Annotator, t, len(v))
			}
		}
	}
	return nil
}
