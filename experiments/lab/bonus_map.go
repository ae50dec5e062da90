package lab

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"math"

	"github.com/terrarium-rl/terrarium/explore/visits"
	"github.com/terrarium-rl/terrarium/render/plot"
)

// heats returns the visits, on a logarithmic scale, and the mean bonus, as far as Bright, both cut to
// the cells visited. There are none without visits.
func heats(m *visits.Map) (count, bonus *plot.Heat) {
	n := m.Cols
	x0, x1, y0, y1 := n, -1, m.Rows, -1
	for k, v := range m.Visits {
		if v > 0 {
			x0, x1, y0, y1 = min(x0, k%n), max(x1, k%n), min(y0, k/n), max(y1, k/n)
		}
	}
	if x1 < 0 {
		return nil, nil
	}
	at := func(lo, hi float32, k, cells int) float64 {
		return float64(lo) + float64(hi-lo)*float64(k)/float64(cells)
	}
	empty := plot.Heat{
		Cols: x1 - x0 + 1, Rows: y1 - y0 + 1,
		XMin: at(m.XMin, m.XMax, x0, n), XMax: at(m.XMin, m.XMax, x1+1, n),
		YMin: at(m.YMin, m.YMax, y0, m.Rows), YMax: at(m.YMin, m.YMax, y1+1, m.Rows),
	}
	one, two, bright := empty, empty, m.Bright()
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			v, b := math.NaN(), math.NaN()
			if k := y*n + x; m.Visits[k] > 0 {
				v, b = math.Log10(float64(m.Visits[k])), min(m.Mean(k), bright)
			}
			one.Values, two.Values = append(one.Values, v), append(two.Values, b)
		}
	}
	return &one, &two
}

// bonusMaps draws, for each seed of a run, where training was and what bonus that paid, if there is
// one. Seeds without a map are left out.
func (r *runRecord) bonusMaps() (out []mapView, err error) {
	axis := func(name, unit string) string {
		if unit == "" {
			return name
		}
		return fmt.Sprintf("%s (%s)", name, unit)
	}
	xUnit, yUnit := visits.Units(r.Plan.Spec)
	for _, s := range r.Seeds {
		m, err := visits.Load(SeedDir(r.Dir, s.Seed))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r.warn(err)
			continue
		}
		count, bonus := heats(m)
		if count == nil {
			continue
		}
		_, most := count.Range()
		lo, hi := bonus.Range()
		for _, f := range []struct {
			heat       *plot.Heat
			label, say string
		}{
			{count, "visits over position", fmt.Sprintf("where training was: visits of each cell on a logarithmic scale, from 1 (dark blue) to %.0f (yellow).", math.Pow(10, most))},
			{bonus, "bonus over position", fmt.Sprintf("the mean bonus of each cell over training, from %.3g (dark blue) to %.3g and, in one cell of a hundred, more (yellow).", lo, hi)},
		} {
			if f.heat == bonus && r.Plan.Bonus == "" {
				continue
			}
			figure := plot.Figure{X: axis("x", xUnit), Y: axis("y", yUnit), Heat: f.heat, Width: 620, Height: 520}
			html, err := figure.HTML(f.label)
			if err != nil {
				return nil, err
			}
			out = append(out, mapView{template.HTML(html), fmt.Sprintf("Seed %d: %s", s.Seed, f.say)})
		}
	}
	return out, nil
}
