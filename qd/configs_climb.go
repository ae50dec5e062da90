package qd

import "fmt"

func init() {
	RegisterEmitter("cma-mega", func() EmitterConfig { return &MEGAConfig{Sigma: 0.2, Rate: 1, Rank: ByNewThenImprovement} })
	RegisterEmitter("omg-mega", func() EmitterConfig { return &OMGConfig{Sigma: 0.2} })
	RegisterArchive("mome", func() ArchiveConfig { return &MOMEConfig{Most: 50} })
}

// MEGAConfig holds the options of the emitter "cma-mega".
type MEGAConfig struct {
	Sigma        float64 `json:"sigma" doc:"standard deviation of the coefficients of the gradients, at first"`
	Rate         float64 `json:"rate" doc:"how far the centre moves along the step that was found"`
	Rank         Ranking `json:"rank" doc:"what solutions to follow: new-improvement, or improvement for archives with thresholds"`
	Raw          bool    `json:"raw" doc:"use gradients as they are, not divided by their lengths"`
	BoundsConfig `yaml:",inline"`
}

// Doc says what it is.
func (*MEGAConfig) Doc() string {
	return "Branches along mixtures of the gradients of objective and measures, which a CMA-ES adapts."
}

// Paper names the publication.
func (*MEGAConfig) Paper() string {
	return "Fontaine and Nikolaidis, Differentiable quality diversity, NeurIPS 2021"
}

// Build returns the emitter.
func (c *MEGAConfig) Build(s EmitterSetup) (Emitter, error) {
	b, err := c.bounds()
	if err := firstOf(err, inRange("sigma", c.Sigma, 1e-12, 1e12), inRange("rate", c.Rate, 1e-12, 1e12), inRange("batch", float64(s.Batch), 2, 1e6)); err != nil {
		return nil, err
	}
	return NewArborescence(ArborescenceOptions{X0: s.X0, Sigma: c.Sigma, Batch: s.Batch, Rate: c.Rate, Rank: c.Rank, Raw: c.Raw, Bounds: b}), nil
}

// OMGConfig holds the options of the emitter "omg-mega".
type OMGConfig struct {
	Sigma        float64 `json:"sigma" doc:"standard deviation of the coefficients of the gradients"`
	BoundsConfig `yaml:",inline"`
}

// Doc says what it is.
func (*OMGConfig) Doc() string {
	return "Random elites, varied along random mixtures of the gradients of objective and measures."
}

// Paper names the publication.
func (*OMGConfig) Paper() string { return (*MEGAConfig)(nil).Paper() }

// Build returns the emitter.
func (c *OMGConfig) Build(s EmitterSetup) (Emitter, error) {
	b, err := c.bounds()
	if err := firstOf(err, inRange("sigma", c.Sigma, 1e-12, 1e12), inRange("batch", float64(s.Batch), 1, 1e6)); err != nil {
		return nil, err
	}
	return NewArborescence(ArborescenceOptions{X0: s.X0, Sigma: c.Sigma, Batch: s.Batch, Bounds: b}), nil
}

// MOMEConfig holds the options of the archive "mome".
type MOMEConfig struct {
	Cells     []int     `json:"cells" doc:"number of cells along each measure; default: 50 each"`
	Most      int       `json:"most" doc:"elites of a cell"`
	Reference []float32 `json:"reference" doc:"a value for the objective and each further goal that counts as nothing; default: 0 each"`
}

// Doc says what it is.
func (*MOMEConfig) Doc() string {
	return "Several objectives: in each cell of a grid all policies that no other beats in every one."
}

// Paper names the publication.
func (*MOMEConfig) Paper() string {
	return "Pierrot, Richard, Beguir and Cully, Multi-objective quality diversity optimization, GECCO 2022"
}

// Build returns the archive.
func (c *MOMEConfig) Build(s ArchiveSetup) (Archive, error) {
	if s.Goals == 0 {
		return nil, fmt.Errorf("the archive mome keeps several objectives: name further ones as goals")
	}
	g, err := gridOf(c.Cells, s.Bounds)
	if err != nil {
		return nil, err
	}
	ref := c.Reference
	if ref == nil {
		ref = make([]float32, 1+s.Goals)
	}
	if len(ref) != 1+s.Goals {
		return nil, fmt.Errorf("reference has %d numbers, want one for the objective and each of the %d goals", len(ref), s.Goals)
	}
	return NewFronts(g, s.Dim, FrontOptions{Goals: s.Goals, Most: c.Most, Reference: ref})
}

// gridOf returns a grid of the given cells, 50 along each measure if there are none.
func gridOf(cells []int, bounds [][2]float32) (*Grid, error) {
	if len(cells) == 0 {
		for range bounds {
			cells = append(cells, 50)
		}
	}
	if len(cells) != len(bounds) {
		return nil, fmt.Errorf("cells has %d numbers, want one for each of the %d measures", len(cells), len(bounds))
	}
	return NewGrid(cells, bounds)
}
