package lab

import (
	"bytes"
	"fmt"
	"html/template"
	"math"

	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/qdfile"
	"github.com/terrarium-rl/terrarium/render/plot"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// A mapView is the map of an archive over two measures.
type mapView struct {
	Figure  template.HTML
	Caption string
}

// mapCells is the number of cells of a map along each axis where the archive is no grid.
const mapCells = 50

// maps draws the archive of each seed of a quality-diversity search, or where a bonus led. Seeds
// without a checkpoint are left out.
func (r *runRecord) maps() (out []mapView, err error) {
	if r.Plan == nil {
		return nil, nil
	}
	if r.Plan.QD == nil {
		return r.bonusMaps()
	}
	for _, s := range r.Seeds {
		search, _, err := loadSearch(r.Plan, r.Dir, s.Seed)
		if err != nil {
			r.warn(err)
			continue
		}
		v, err := r.Plan.QD.mapOf(search.elites())
		if err != nil {
			return nil, err
		}
		v.Caption = fmt.Sprintf("Seed %d: %s", s.Seed, v.Caption)
		out = append(out, v)
		suspects, err := r.Plan.QD.suspectMaps(SeedDir(r.Dir, s.Seed), search.elites(), s.Seed)
		if err != nil {
			r.warn(err)
			continue
		}
		out = append(out, suspects...)
	}
	return out, nil
}

// mapOf draws the greatest objective over the first two measures, or over the only one.
func (q *QDConfig) mapOf(a qd.Archive) (mapView, error) {
	h, x, y := q.heat(a)
	f := plot.Figure{X: x, Y: y, Heat: h, Width: 620, Height: 520}
	if h.Rows == 1 {
		f.Height = 120
	}
	lo, hi := h.Range()
	caption := fmt.Sprintf("the greatest objective in each niche, from %s (dark blue) to %s (yellow); niches without a policy are empty.", score(lo), score(hi))
	if a.Len() == 0 {
		caption = "the archive is empty."
	}
	if n := len(q.Axes(a)); n > 2 {
		caption += fmt.Sprintf(" Of the %d measures the first two are shown.", n)
	}
	s, err := f.HTML("objective over measures")
	return mapView{Figure: template.HTML(s), Caption: caption}, err
}

func (q *QDConfig) heat(a qd.Archive) (h *plot.Heat, x, y string) {
	m := q.Axes(a)
	h = &plot.Heat{Cols: mapCells, Rows: 1, XMin: float64(m[0].Lo), XMax: float64(m[0].Hi), YMax: 1}
	if len(m) > 1 {
		h.Rows, h.YMin, h.YMax = mapCells, float64(m[1].Lo), float64(m[1].Hi)
	}
	if c := cells(a); c != nil {
		if g, ok := c.Partition().(*qd.Grid); ok {
			h.Cols = g.Dims()[0]
			if len(m) > 1 {
				h.Rows = g.Dims()[1]
			}
		}
	}
	h.Values = make([]float64, h.Cols*h.Rows)
	for i := range h.Values {
		h.Values[i] = math.NaN()
	}
	cell := func(v, lo, hi float64, n int) int {
		return min(max(int((v-lo)/(hi-lo)*float64(n)), 0), n-1)
	}
	for i := range a.Len() {
		e, row := a.Elite(i), 0
		col := cell(float64(e.Measures[0]), h.XMin, h.XMax, h.Cols)
		if len(m) > 1 {
			row = cell(float64(e.Measures[1]), h.YMin, h.YMax, h.Rows)
		}
		if v := &h.Values[row*h.Cols+col]; !(*v >= float64(e.Objective)) {
			*v = float64(e.Objective)
		}
	}
	x = m[0].Take + " " + m[0].Of
	if len(m) > 1 {
		y = m[1].Take + " " + m[1].Of
	}
	return h, x, y
}

// archiveFile holds the elites of a seed that is done; see package qdfile.
const archiveFile = "archive.parquet"

// writeArchive writes the elites to a file, and what their numbers mean.
func (p *Plan) writeArchive(path string, a qd.Archive) error {
	var names []string
	for _, m := range p.QD.Axes(a) {
		names = append(names, m.Take+" "+m.Of)
	}
	config, err := p.YAML()
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	err = qdfile.Write(&buf, a, map[string]string{
		"config":     string(config), // all it takes to play a solution
		"experiment": p.Name, "env": p.Spec.ID, "measures": string(mustJSON(names)), "policy": string(mustJSON(p.QD.Policy)),
	})
	if err != nil {
		return err
	}
	return writeFileAtomic(path, buf.Bytes())
}

// qdFacts are the figures of a quality-diversity search: medians over the seeds that are done.
func (v *runView) qdFacts() (out []fact) {
	var coverage, score, best []float64
	for _, s := range v.Seeds {
		if s.QD != nil {
			coverage, score, best = append(coverage, 100*float64(s.QD.Coverage)), append(score, float64(s.QD.QDScore)), append(best, float64(s.QD.Best))
		}
	}
	if len(score) == 0 {
		return nil
	}
	if c := median(coverage); !math.IsNaN(c) {
		out = append(out, fact{"coverage", replay.Number(c, 1) + " %"})
	}
	return append(out, fact{"QD score", plot.Short(median(score))}, fact{"best objective", replay.Number(median(best), 1)})
}
