package program

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
)

// A unit is the powers of base units, such as {m: 1, s: -1} of m/s. Angles are plain numbers in
// products, as in rad/s times m. It is nil where a number may have any unit: numbers that are written
// down, and what is made with them.
type unit map[string]int

// unitOf reads the unit of a field, such as "N m s" or "rad^2/s^2"; a number in front of it is a scale.
// Units that it cannot read are nil, and so is none.
func unitOf(text string) unit {
	if text == "" {
		return nil
	}
	u := unit{}
	top, bottom, _ := strings.Cut(text, "/")
	for i, part := range []string{top, bottom} {
		for _, word := range strings.Fields(part) {
			if _, err := strconv.ParseFloat(word, 64); err == nil {
				continue
			}
			name, power, squared := strings.Cut(word, "^")
			k := 1
			if squared {
				var err error
				if k, err = strconv.Atoi(power); err != nil {
					return nil
				}
			}
			base, ok := baseUnits[name]
			if !ok {
				return nil
			}
			u.add(base, k*(1-2*i))
		}
	}
	return u
}

var baseUnits = map[string]unit{
	"m": {"m": 1}, "s": {"s": 1}, "kg": {"kg": 1}, "rad": {},
	"N": {"kg": 1, "m": 1, "s": -2}, "J": {"kg": 1, "m": 2, "s": -2},
}

func (u unit) add(v unit, times int) {
	for name, k := range v {
		if u[name] += times * k; u[name] == 0 {
			delete(u, name)
		}
	}
}

// times returns the unit of a product with v to a power; nil if one is not known.
func (u unit) times(v unit, power int) unit {
	if u == nil || v == nil {
		return nil
	}
	w := maps.Clone(u)
	w.add(v, power)
	return w
}

func (u unit) String() string {
	if len(u) == 0 {
		return "a plain number"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if k := u[name]; k == 1 {
			parts = append(parts, name)
		} else {
			parts = append(parts, fmt.Sprintf("%s^%d", name, k))
		}
	}
	return strings.Join(parts, " ")
}

// Oddities lists what is allowed and seldom meant: numbers of different units that are added or
// compared, and values that are named and not used.
func (f *Func) Oddities() []*Error { return append(slices.Clone(f.unused), f.mixed()...) }

// mixed lists the places at which numbers of different units are added or compared.
func (f *Func) mixed() (list []*Error) {
	units := make([]unit, len(f.code))
	for i, in := range f.code {
		var a [3]unit
		for k, arg := range in.args {
			if arg >= 0 {
				a[k] = units[arg]
			}
		}
		x, y := a[0], a[1]
		same := func(x, y unit) unit {
			if x != nil && y != nil && !maps.Equal(x, y) {
				list = append(list, placedAt(f.source, f.places[i], fmt.Sprintf("one side is in %s, the other in %s", x, y)))
			}
			if x == nil {
				return y
			}
			return x
		}
		switch in.op {
		case opLoad:
			units[i] = f.unitOf(in)
		case opCell:
			if k := int(f.keep[in.col]); k < i {
				units[i] = units[k]
			}
		case opAdd, opSub, opMin, opMax:
			units[i] = same(x, y)
		case opLess, opEqual:
			same(x, y)
		case opSelect:
			units[i] = same(y, a[2])
		case opMul:
			units[i] = x.times(y, 1)
		case opDiv:
			units[i] = x.times(y, -1)
		case opSqrt:
			units[i] = x.root()
		case opNeg, opAbs, opFloor:
			units[i] = x
		}
	}
	return distinct(list)
}

// distinct leaves out what is said again: of loops, which are written out.
func distinct(list []*Error) (out []*Error) {
	seen := map[Error]bool{}
	for _, e := range list {
		if !seen[*e] {
			seen[*e], out = true, append(out, e)
		}
	}
	return out
}

// root returns the unit of a square root, nil where there is none.
func (u unit) root() unit {
	if u == nil {
		return nil
	}
	w := unit{}
	for name, k := range u {
		if k%2 != 0 {
			return nil
		}
		w[name] = k / 2
	}
	return w
}

// unitOf returns that of the field a column is of.
func (f *Func) unitOf(in ins) unit {
	if field := f.field(in); field != nil {
		return unitOf(field.Unit)
	}
	return nil
}

// field returns the field a column is of.
func (f *Func) field(in ins) *env.Field {
	fs := f.spec.Facts
	switch in.src {
	case fromObs, fromNext:
		fs = f.spec.Obs
	case fromAct:
		fs = f.spec.Act
	}
	at := int32(0)
	for i := range fs {
		if at += int32(fs[i].Len); in.col < at {
			return &fs[i]
		}
	}
	return nil
}
