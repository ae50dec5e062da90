package lab

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

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

// adoptFiles returns the config of a run with the SHA-256 of the WebAssembly files that are there
// now in the place of those that it began with, and the first file for which they differ, "" if
// none does. What is wrong with the config, or missing, is left to who reads it.
func adoptFiles(path string, config []byte) (now []byte, changed string, err error) {
	t, err := parseYAML(path, config)
	if err != nil {
		return nil, "", err
	}
	for i, term := range t.list("reward") {
		options := fmt.Sprintf("reward.%d.options.", i)
		if name := term.get("name"); name == nil || name.scalar != "wasm" {
			continue
		}
		sum, given := t.lookup(options + "sum")
		file, has := t.lookup(options + "file")
		if !given || !has {
			continue
		}
		was, _ := sum.scalar.(string)
		name, _ := file.scalar.(string)
		code, err := os.ReadFile(name)
		if err != nil || was == "" {
			continue
		}
		is := fmt.Sprintf("%x", sha256.Sum256(code))
		if strings.EqualFold(was, is) {
			continue
		}
		config = bytes.ReplaceAll(config, []byte(was), []byte(is))
		changed = cmp.Or(changed, name)
	}
	return config, changed, nil
}
