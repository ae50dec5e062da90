package qd

import "fmt"

func init() {
	RegisterArchive("grid", func() ArchiveConfig { return new(GridConfig) })
	RegisterArchive("cvt", func() ArchiveConfig { return &CVTConfig{Cells: 1000, Samples: 10, Iterations: 8} })
	RegisterEmitter("random", func() EmitterConfig { return &RandomConfig{BoundsConfig{&[2]float32{-1, 1}}} })
	RegisterEmitter("gaussian", func() EmitterConfig { return &GaussianConfig{Sigma: 0.1} })
	RegisterEmitter("isoline", func() EmitterConfig { return &IsoLineConfig{Iso: 0.01, Line: 0.2} })
	RegisterEmitter("cma-me", func() EmitterConfig { return &CMAMEConfig{Sigma: 0.5, Rank: ByNewThenImprovement} })
	RegisterEmitter("cma-mae", func() EmitterConfig { return &CMAMAEConfig{Sigma: 0.5} })
	RegisterEmitter("cma-es", func() EmitterConfig { return &CMAESConfig{Sigma: 0.5} })
}

// ThresholdConfig is the part of the options of archives with cells that makes them CMA-MAE's.
type ThresholdConfig struct {
	LearningRate *float64 `json:"learning_rate" doc:"how far a cell's threshold moves towards an accepted objective, 0 to 1; default 1: it is the elite's objective"`
	Threshold    *float64 `json:"threshold" doc:"objective that an empty cell asks for; default: none"`
	Outside      Outside  `json:"outside" doc:"what becomes of policies beyond the bounds of the measures: clip (to the nearest cell), reject or refuse (an error)"`
}

func (c *ThresholdConfig) build(p Partition, dim int) (Archive, error) {
	o := CellOptions{LearningRate: 1, Threshold: c.Threshold, Outside: c.Outside}
	if c.LearningRate != nil {
		o.LearningRate = *c.LearningRate
	}
	a, err := NewCells(p, dim, o)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// GridConfig holds the options of the archive "grid".
type GridConfig struct {
	Cells           []int `json:"cells" doc:"number of cells along each measure; default: 50 each"`
	ThresholdConfig `yaml:",inline"`
}

// Doc says what it is.
func (*GridConfig) Doc() string {
	return "One elite in each cell of a grid over the measures: MAP-Elites. With a learning rate below 1 the archive of CMA-MAE."
}

// Paper names the publication.
func (*GridConfig) Paper() string {
	return "Mouret and Clune, Illuminating search spaces by mapping elites, 2015; Fontaine and Nikolaidis, Covariance Matrix Adaptation MAP-Annealing, GECCO 2023"
}

// Build returns the archive.
func (c *GridConfig) Build(s ArchiveSetup) (Archive, error) {
	g, err := gridOf(c.Cells, s.Bounds)
	if err != nil {
		return nil, err
	}
	return c.build(g, s.Dim)
}

// CVTConfig holds the options of the archive "cvt".
type CVTConfig struct {
	Cells           int `json:"cells" doc:"number of cells"`
	Samples         int `json:"samples" doc:"points a cell from which the centroids are made"`
	Iterations      int `json:"iterations" doc:"of Lloyd's algorithm"`
	ThresholdConfig `yaml:",inline"`
}

// Doc says what it is.
func (*CVTConfig) Doc() string {
	return "One elite in each of a number of cells of about equal size, which may lie in many dimensions."
}

// Paper names the publication.
func (*CVTConfig) Paper() string {
	return "Vassiliades, Chatzilygeroudis and Mouret, Using centroidal Voronoi tessellations to scale up MAP-Elites, 2018"
}

// Build returns the archive.
func (c *CVTConfig) Build(s ArchiveSetup) (Archive, error) {
	if err := firstOf(inRange("cells", float64(c.Cells), 1, 1e7), inRange("samples", float64(c.Samples), 1, 1000)); err != nil {
		return nil, err
	}
	p, err := NewCVT(c.Cells, s.Bounds, c.Cells*c.Samples, c.Iterations, s.Key)
	if err != nil {
		return nil, err
	}
	return c.build(p, s.Dim)
}

// BoundsConfig limits parameters.
type BoundsConfig struct {
	Bounds *[2]float32 `json:"bounds" doc:"[lo, hi] to which parameters are clamped; default: none"`
}

func (c *BoundsConfig) bounds() (Bounds, error) {
	if c.Bounds == nil {
		return Bounds{}, nil
	}
	if !(c.Bounds[0] < c.Bounds[1]) {
		return Bounds{}, fmt.Errorf("bounds are %v, want a rising range", *c.Bounds)
	}
	return Bounds{c.Bounds[0], c.Bounds[1]}, nil
}

// RandomConfig holds the options of the emitter "random".
type RandomConfig struct {
	BoundsConfig `yaml:",inline"`
}

// Doc says what it is.
func (*RandomConfig) Doc() string {
	return "Uniform random parameters, whatever the archive holds: what a search has to beat."
}

// Build returns the emitter.
func (c *RandomConfig) Build(s EmitterSetup) (Emitter, error) {
	b, err := c.bounds()
	if err == nil && c.Bounds == nil {
		err = fmt.Errorf("bounds are missing: random parameters need a range")
	}
	return &Random{Dim: len(s.X0), Bounds: b}, err
}

// GaussianConfig holds the options of the emitter "gaussian".
type GaussianConfig struct {
	Sigma        float32 `json:"sigma" doc:"standard deviation of the noise"`
	First        float32 `json:"first" doc:"the same for the first solutions, around 0; 0 means sigma"`
	BoundsConfig `yaml:",inline"`
}

// Doc says what it is.
func (*GaussianConfig) Doc() string { return "Random elites with Gaussian noise: plain MAP-Elites." }

// Paper names the publication.
func (*GaussianConfig) Paper() string {
	return "Mouret and Clune, Illuminating search spaces by mapping elites, 2015"
}

// Build returns the emitter.
func (c *GaussianConfig) Build(s EmitterSetup) (Emitter, error) {
	b, err := c.bounds()
	return &Gaussian{X0: s.X0, Sigma: c.Sigma, First: c.First, Bounds: b}, firstOf(err, inRange("sigma", float64(c.Sigma), 1e-12, 1e12))
}

// IsoLineConfig holds the options of the emitter "isoline".
type IsoLineConfig struct {
	Iso          float32 `json:"iso" doc:"standard deviation of the isotropic noise"`
	Line         float32 `json:"line" doc:"standard deviation along the line to another elite, as a part of its length"`
	First        float32 `json:"first" doc:"standard deviation of the first solutions, around 0; 0 means iso"`
	BoundsConfig `yaml:",inline"`
}

// Doc says what it is.
func (*IsoLineConfig) Doc() string {
	return "Random elites with noise, part of which is along the line to another elite."
}

// Paper names the publication.
func (*IsoLineConfig) Paper() string {
	return "Vassiliades and Mouret, Discovering the elite hypervolume by leveraging interspecies correlation, GECCO 2018"
}

// Build returns the emitter.
func (c *IsoLineConfig) Build(s EmitterSetup) (Emitter, error) {
	b, err := c.bounds()
	return &IsoLine{X0: s.X0, Iso: c.Iso, Line: c.Line, First: c.First, Bounds: b},
		firstOf(err, inRange("iso", float64(c.Iso), 1e-12, 1e12), inRange("line", float64(c.Line), 0, 1e12))
}

// EvolutionConfig is what the options of the CMA-ES family share.
type EvolutionConfig struct {
	Covariance   Covariance `json:"covariance" doc:"what is adapted: full, separable (the variance of each parameter) or limited (a few directions), the last two for thousands of parameters"`
	BoundsConfig `yaml:",inline"`
}

// evolution returns an emitter of the CMA-ES family.
func evolution(s EmitterSetup, sigma float64, rank Ranking, filter bool, limits *EvolutionConfig) (Emitter, error) {
	b, err := limits.bounds()
	if err := firstOf(err, inRange("sigma", sigma, 1e-12, 1e12), inRange("batch", float64(s.Batch), 2, 1e6)); err != nil {
		return nil, err
	}
	return NewEvolution(EvolutionOptions{X0: s.X0, Sigma: sigma, Batch: s.Batch, Rank: rank, Filter: filter, Bounds: b, Covariance: limits.Covariance}), nil
}

// CMAMEConfig holds the options of the emitter "cma-me".
type CMAMEConfig struct {
	Sigma           float64 `json:"sigma" doc:"initial standard deviation"`
	Rank            Ranking `json:"rank" doc:"what solutions to follow: new-improvement, new-objective or new-direction"`
	EvolutionConfig `yaml:",inline"`
}

// Doc says what it is.
func (*CMAMEConfig) Doc() string {
	return "A CMA-ES that follows what is new to the archive, and begins again where nothing is accepted."
}

// Paper names the publication.
func (*CMAMEConfig) Paper() string {
	return "Fontaine, Togelius, Nikolaidis and Hoover, Covariance Matrix Adaptation for the Rapid Illumination of Behavior Space, GECCO 2020"
}

// Build returns the emitter.
func (c *CMAMEConfig) Build(s EmitterSetup) (Emitter, error) {
	return evolution(s, c.Sigma, c.Rank, true, &c.EvolutionConfig)
}

// CMAMAEConfig holds the options of the emitter "cma-mae".
type CMAMAEConfig struct {
	Sigma           float64 `json:"sigma" doc:"initial standard deviation"`
	EvolutionConfig `yaml:",inline"`
}

// Doc says what it is.
func (*CMAMAEConfig) Doc() string {
	return "A CMA-ES that follows improvement over the archive's thresholds. Give the archive a learning rate and a threshold."
}

// Paper names the publication.
func (*CMAMAEConfig) Paper() string {
	return "Fontaine and Nikolaidis, Covariance Matrix Adaptation MAP-Annealing, GECCO 2023"
}

// Build returns the emitter.
func (c *CMAMAEConfig) Build(s EmitterSetup) (Emitter, error) {
	return evolution(s, c.Sigma, ByImprovement, false, &c.EvolutionConfig)
}

// CMAESConfig holds the options of the emitter "cma-es".
type CMAESConfig struct {
	Sigma           float64 `json:"sigma" doc:"initial standard deviation"`
	EvolutionConfig `yaml:",inline"`
}

// Doc says what it is.
func (*CMAESConfig) Doc() string {
	return "CMA-ES, which seeks the greatest objective and ignores measures."
}

// Paper names the publication.
func (*CMAESConfig) Paper() string {
	return "Hansen, The CMA evolution strategy: a tutorial, arXiv 1604.00772, 2016"
}

// Build returns the emitter.
func (c *CMAESConfig) Build(s EmitterSetup) (Emitter, error) {
	return evolution(s, c.Sigma, ByObjective, false, &c.EvolutionConfig)
}

var rankings = [...]string{"improvement", "new-improvement", "new-objective", "new-direction", "objective"}

// String returns the name of r.
func (r Ranking) String() string { return rankings[r] }

// MarshalText returns the name of r.
func (r Ranking) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText sets r by its name.
func (r *Ranking) UnmarshalText(text []byte) error {
	for i, name := range rankings {
		if name == string(text) {
			*r = Ranking(i)
			return nil
		}
	}
	return fmt.Errorf("unknown ranking %q, want one of %q", text, rankings)
}
