package aurora

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/describe"
)

func init() {
	qd.RegisterArchive("aurora", func() qd.ArchiveConfig {
		return &Config{Code: 5, Hidden: []int{32}, Rate: 1e-3, Epochs: 50, Threshold: 0.2, Target: 1024, Gain: 5e-6, Control: 10, Train: 10}
	})
}

// Config holds the options of the archive "aurora".
type Config struct {
	Code      int     `json:"code" doc:"numbers of the code of a frame"`
	Hidden    []int   `json:"hidden" doc:"widths of the encoder's hidden layers, which the decoder mirrors"`
	Rate      float32 `json:"rate" doc:"learning rate of the autoencoder"`
	Epochs    int     `json:"epochs" doc:"most passes over the elites of one training"`
	Threshold float32 `json:"threshold" doc:"distance of descriptors that elites are apart, at first"`
	Target    int     `json:"target" doc:"elites to aim at: the distance follows how many there are"`
	Gain      float64 `json:"gain" doc:"share by which the distance changes for each elite too many, a batch; 0 for never"`
	Control   int     `json:"control" doc:"batches between two corrections"`
	Train     int     `json:"train" doc:"batches before the first training; then after 2, 3, 4, ... times as many"`
}

// Doc says what it is.
func (*Config) Doc() string {
	return "Elites apart from each other in a space of descriptors that an autoencoder learns from what is observed."
}

// Paper names the publication.
func (*Config) Paper() string {
	return "Grillotti and Cully, Unsupervised behavior discovery with quality-diversity optimization, 2022"
}

// Build returns the archive.
func (c *Config) Build(s qd.ArchiveSetup) (qd.Archive, error) {
	if s.Obs == 0 {
		return nil, fmt.Errorf("the archive aurora describes behaviour by what is observed: say what, as observe")
	}
	if c.Code < 1 || c.Epochs < 1 || !(c.Rate > 0) { // to describe, 0 means a default
		return nil, fmt.Errorf("code is %d, epochs %d and rate %v: all have to be above 0", c.Code, c.Epochs, c.Rate)
	}
	frames := max(1, s.Frames)
	d, err := describe.NewAutoencoder(describe.AutoencoderOptions{
		Frame: s.Obs / frames, Frames: frames, Hidden: c.Hidden, Code: c.Code, Rate: c.Rate, Epochs: c.Epochs, Key: s.Key.Fold(1),
	})
	if err != nil {
		return nil, err
	}
	return New(Options{
		Shape: qd.Shape{Dim: s.Dim, Measures: len(s.Bounds), Obs: s.Obs}, Describer: d, Threshold: c.Threshold,
		Target: c.Target, Gain: c.Gain, Control: c.Control, Train: c.Train, Key: s.Key.Fold(2),
	})
}
