package agents_test

import (
	"encoding/json"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// pusher always pushes as hard as its options say.
type pusher struct {
	Force float32 `json:"force" doc:"of each action"`
}

// Build checks the options.
func (c *pusher) Build(s agents.Setup) (agents.Policy, error) {
	if c.Force < s.Spec.Act[0].Lo || c.Force > s.Spec.Act[0].Hi {
		return nil, fmt.Errorf("agent pusher: force is %v, want %v to %v", c.Force, s.Spec.Act[0].Lo, s.Spec.Act[0].Hi)
	}
	return c, nil
}

// Act fills the actions of all rows.
func (c *pusher) Act(b *env.Batch, _ rng.Key, _ bool) {
	for i := range b.Act {
		b.Act[i] = c.Force
	}
}

// An agent is registered by name, usually in an init function, and opened by experiments with
// options that are written over its defaults.
func Example() {
	agents.Register("pusher", func() agents.Config { return &pusher{Force: 1} })

	spec := &env.Spec{ID: "line-v0", Agents: 1, Act: []env.Field{{Name: "push", Len: 1, Lo: -1, Hi: 1}}}
	for _, options := range []string{`{"force": -0.5}`, `{"force": 7}`} {
		c, err := agents.Open("pusher", func(dst any) error { return json.Unmarshal([]byte(options), dst) })
		if err != nil {
			panic(err)
		}
		policy, err := c.Build(agents.Setup{Spec: spec, Rows: 3, Key: rng.New(1), Workers: 1})
		if err != nil {
			fmt.Println(err)
			continue
		}
		b := env.NewBatch(spec, 3)
		policy.Act(b, rng.New(1), true)
		fmt.Println(b.Act)
	}
	_, err := agents.Open("pushr", nil)
	fmt.Println(err)
	// Output:
	// [-0.5 -0.5 -0.5]
	// agent pusher: force is 7, want -1 to 1
	// unknown agent "pushr"; did you mean "pusher"?
}
