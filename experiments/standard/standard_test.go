package standard

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/experiments/lab"
)

// TestExperiments reads every experiment that comes with the program.
func TestExperiments(t *testing.T) {
	if len(configs.Names()) < 8 {
		t.Errorf("experiments: %v", configs.Names())
	}
	for _, name := range configs.Names() {
		p, err := lab.ReadPlan(name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := p.Check(); err != nil {
			t.Error(err)
		}
		if p.Doc == "" {
			t.Errorf("%s has no doc", name)
		}
	}
}
