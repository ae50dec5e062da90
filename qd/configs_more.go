package qd

import "fmt"

func init() {
	RegisterArchive("unstructured", func() ArchiveConfig { return &UnstructuredConfig{Threshold: 0.1} })
	RegisterArchive("proximity", func() ArchiveConfig { return &ProximityConfig{Threshold: 0.1, Neighbours: 15} })
	RegisterArchive("sliding", func() ArchiveConfig { return &SlidingConfig{Remap: 100, Buffer: 1000} })
	population := func(name string, c PopulationConfig) {
		RegisterEmitter(name, func() EmitterConfig { made := c; return &made })
	}
	c := PopulationConfig{Size: 100, Neighbours: 15, Keep: 5, First: 1, Iso: 0.05}
	c.survival, c.doc = ByNovelty, "Novelty search: a population that keeps those who behave most unlike all others."
	c.paper = "Lehman and Stanley, Abandoning objectives: evolution through the search for novelty alone, 2011"
	population("novelty", c)
	c.survival, c.doc = ByLocalCompetition, "Novelty search with local competition: novelty and how many alike are worse, as two goals."
	c.paper = "Lehman and Stanley, Evolving a diversity of virtual creatures through novelty search and local competition, GECCO 2011"
	population("nslc", c)
	c.Size, c.Neighbours, c.Keep, c.Iso, c.Line = 1024, 3, 0, 0.005, 0.05
	c.survival, c.doc = ByDominatedNovelty, "Dominated Novelty Search: a population that keeps those far from all that are better."
	c.paper = "Bahlous-Boldi et al., Dominated Novelty Search: rethinking local competition in quality-diversity, GECCO 2025"
	population("dns", c)
	c.Size, c.Neighbours, c.Iso = 100, 1, 0.05
	c.survival, c.doc = ByFitness, "A genetic algorithm that keeps the best, whatever they do: what diversity is measured against."
	c.paper = "Holland, Adaptation in natural and artificial systems, 1975"
	population("ga", c)
}

// UnstructuredConfig holds the options of the archive "unstructured".
type UnstructuredConfig struct {
	Threshold float32 `json:"threshold" doc:"distance in measure space; elites are farther apart than that"`
	Most      int     `json:"most" doc:"number of elites beyond which none is added; 0 for no limit"`
}

// Doc says what it is.
func (*UnstructuredConfig) Doc() string {
	return "Elites at some distance from each other, anywhere in measure space: no cells and no bounds."
}

// Paper names the publication.
func (*UnstructuredConfig) Paper() string {
	return "Cully and Demiris, Quality and Diversity Optimization: A Unifying Modular Framework, 2018"
}

// Build returns the archive.
func (c *UnstructuredConfig) Build(s ArchiveSetup) (Archive, error) {
	return NewUnstructured(s.Dim, len(s.Bounds), UnstructuredOptions{Threshold: c.Threshold, Replace: true, Most: c.Most})
}

// ProximityConfig holds the options of the archive "proximity".
type ProximityConfig struct {
	Threshold  float32 `json:"threshold" doc:"novelty that a solution has to exceed"`
	Neighbours int     `json:"neighbours" doc:"nearest elites whose mean distance is the novelty"`
	Most       int     `json:"most" doc:"number of elites beyond which none is added; 0 for no limit"`
}

// Doc says what it is.
func (*ProximityConfig) Doc() string {
	return "The archive of novelty search: whatever is novel enough stays for good."
}

// Paper names the publication.
func (*ProximityConfig) Paper() string {
	return "Lehman and Stanley, Abandoning objectives: evolution through the search for novelty alone, 2011"
}

// Build returns the archive.
func (c *ProximityConfig) Build(s ArchiveSetup) (Archive, error) {
	if err := inRange("neighbours", float64(c.Neighbours), 1, 1e6); err != nil {
		return nil, err
	}
	return NewUnstructured(s.Dim, len(s.Bounds), UnstructuredOptions{Threshold: c.Threshold, Neighbours: c.Neighbours, Most: c.Most})
}

// SlidingConfig holds the options of the archive "sliding".
type SlidingConfig struct {
	Cells  []int `json:"cells" doc:"number of cells along each measure; default: 50 each"`
	Remap  int   `json:"remap" doc:"solutions after which the boundaries move"`
	Buffer int   `json:"buffer" doc:"last solutions whose percentiles the boundaries are"`
}

// Doc says what it is.
func (*SlidingConfig) Doc() string {
	return "A grid whose boundaries move to where solutions are."
}

// Paper names the publication.
func (*SlidingConfig) Paper() string {
	return "Fontaine et al., Mapping Hearthstone deck spaces through MAP-Elites with sliding boundaries, GECCO 2019"
}

// Build returns the archive.
func (c *SlidingConfig) Build(s ArchiveSetup) (Archive, error) {
	cells := c.Cells
	if len(cells) == 0 {
		for range s.Bounds {
			cells = append(cells, 50)
		}
	}
	return NewSliding(s.Dim, SlidingOptions{Cells: cells, Bounds: s.Bounds, Remap: c.Remap, Buffer: c.Buffer})
}

// PopulationConfig holds the options of the emitters that keep a population.
type PopulationConfig struct {
	Size         int     `json:"size" doc:"solutions that survive each generation"`
	Neighbours   int     `json:"neighbours" doc:"nearest neighbours that count"`
	Keep         int     `json:"keep" doc:"random offspring a generation that novelty remembers for good"`
	First        float32 `json:"first" doc:"standard deviation of the first solutions, around 0"`
	Iso          float32 `json:"iso" doc:"standard deviation of the isotropic noise"`
	Line         float32 `json:"line" doc:"standard deviation along the line to another member, as a part of its length"`
	BoundsConfig `yaml:",inline"`

	survival   Survival
	doc, paper string
}

// Doc says what it is.
func (c *PopulationConfig) Doc() string { return c.doc }

// Paper names the publication.
func (c *PopulationConfig) Paper() string { return c.paper }

// Build returns the emitter.
func (c *PopulationConfig) Build(s EmitterSetup) (Emitter, error) {
	b, err := c.bounds()
	if err := firstOf(err, inRange("size", float64(c.Size), 1, 1e5), inRange("neighbours", float64(c.Neighbours), 1, 1e5),
		inRange("keep", float64(c.Keep), 0, 1e5), inRange("first", float64(c.First), 0, 1e12),
		inRange("iso", float64(c.Iso), 0, 1e12), inRange("line", float64(c.Line), 0, 1e12)); err != nil {
		return nil, err
	}
	if c.Iso == 0 && c.Line == 0 {
		return nil, fmt.Errorf("iso and line are both 0: offspring would be copies")
	}
	return NewPopulation(PopulationOptions{
		X0: s.X0, Size: c.Size, Survival: c.survival, Neighbours: c.Neighbours, Keep: c.Keep,
		First: c.First, Iso: c.Iso, Line: c.Line, Bounds: b,
	}), nil
}
