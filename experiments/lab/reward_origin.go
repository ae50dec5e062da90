package lab

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/terrarium-rl/terrarium/experiments/modules"
)

// A RewardOrigin says which code a term of a run's reward is.
type RewardOrigin struct {
	Term string `json:"term"`
	Name string `json:"name"`
	modules.Linked
	Options any `json:"options"`
}

// origins returns the origins of the terms.
func (p *Plan) origins() []RewardOrigin {
	list := make([]RewardOrigin, len(p.rewards))
	for i, c := range p.rewards {
		list[i] = RewardOrigin{Term: p.Reward[i].As, Name: p.Reward[i].Name, Linked: moduleOf(c), Options: c}
	}
	return list
}

// moduleOf returns the module whose code a config is.
func moduleOf(config any) modules.Linked {
	t := reflect.TypeOf(config)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	l, _ := modules.Providing(t.PkgPath())
	return l
}

// sameRewards reports a term whose module is now another version than it was. Terrarium's own
// are not compared, the program is.
func (p *Plan) sameRewards(was []RewardOrigin) error {
	if p.force {
		return nil
	}
	now := p.origins()
	for i, w := range was {
		if i >= len(now) || w.Path == modules.Terrarium {
			continue
		}
		if n := now[i]; n.Path != w.Path || n.Version != w.Version || n.Sum != w.Sum {
			return fmt.Errorf("reward term %q is of %s now, and was of %s: resume with that one, or --force to go on regardless, with results that nothing else may repeat",
				w.Term, versionOf(n.Linked), versionOf(w.Linked))
		}
	}
	return nil
}

// sameRewardsJSON is sameRewards of a section of a checkpoint, which older ones lack.
func (p *Plan) sameRewardsJSON(section []byte) error {
	if len(section) == 0 {
		return nil
	}
	var was []RewardOrigin
	if err := json.Unmarshal(section, &was); err != nil {
		return fmt.Errorf("section rewards: %w", err)
	}
	return p.sameRewards(was)
}

func versionOf(l modules.Linked) string {
	text := "module " + l.Path + " " + l.Version
	if l.Dir != "" && l.Sum != "" {
		text += " " + l.Sum
	}
	return text
}
