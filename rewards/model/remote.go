package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/llm"
)

func init() { rewards.Register("remote", func() rewards.Config { return NewRemote() }) }

// Remote holds the options of the reward "remote", learned from comparisons that a language model
// makes.
type Remote struct {
	Asking      `json:",inline"`
	BaseURL     string `json:"base_url,omitempty" doc:"of an OpenAI-compatible server, such as http://127.0.0.1:8080/v1; default: the environment variable LLM_BASE_URL. The key comes from LLM_API_KEY"`
	Model       string `json:"model,omitempty" doc:"name of the model; default: the environment variable LLM_MODEL"`
	Instruction string `json:"instruction,omitempty" doc:"what is wanted, in words; default: the description of the environment alone"`
	Answers     string `json:"answers,omitempty" doc:"folder that keeps answers, so that nothing is asked twice; with it and no server, answers come from there alone"`
	Requests    int    `json:"requests,omitempty" doc:"most requests; 0 for no limit"`
	Wait        bool   `json:"wait" doc:"training waits for the answers, and then repeats to the last bit; otherwise it goes on"`
}

// NewRemote returns the default options.
func NewRemote() *Remote { return &Remote{Asking: DefaultAsking(), Wait: true} }

// Doc says what the reward is, in one line.
func (*Remote) Doc() string {
	return "Learned while the agent trains, from comparisons by a language model on an OpenAI-compatible server."
}

// Paper names the source.
func (*Remote) Paper() string { return "Klissarov et al. 2024 (Motif)" }

// Build returns a Learner.
func (c *Remote) Build(s *env.Spec) (rewards.Func, error) {
	client, err := llm.New(llm.Options{BaseURL: c.BaseURL, Model: c.Model, Cache: c.Answers, Most: c.Requests})
	if err != nil {
		return nil, fmt.Errorf("reward remote: %w", err)
	}
	l, err := NewLearner(s, c.Asking, &label.Remote{Client: client, Spec: s, Instruction: c.Instruction, Wait: c.Wait})
	if err != nil {
		return nil, fmt.Errorf("reward remote: %w", err)
	}
	return l, nil
}
