package lab

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/qd"
)

// A QDConfig makes an experiment a quality-diversity search: many policies that behave
// differently, each as good as possible, in place of an agent that learns. A step of such a run
// is the evaluation of one policy.
type QDConfig struct {
	Evaluations int64           `json:"evaluations" doc:"policies to evaluate"`
	Policy      GenomeConfig    `json:"policy" doc:"the network whose parameters are searched"`
	Measures    []MeasureConfig `json:"measures" doc:"what distinguishes behaviours"`
	Archive     Choice          `json:"archive" doc:"where policies are kept; see terrarium list archives"`
	Result      *Choice         `json:"result" doc:"a second archive, offered every policy, for the results; default: the archive itself"`
	Emitters    []EmitterChoice `json:"emitters,omitempty" doc:"what proposes policies; see terrarium list emitters"`
	Schedule    *ScheduleConfig `json:"schedule,omitempty" doc:"lets emitters compete for the batches; default: each proposes one at a time"`
	Explore     *ExploreConfig  `json:"explore,omitempty" doc:"a search for sparse rewards in place of emitters; the archive is then a map of all that was evaluated"`
	Areas       []AreaConfig    `json:"areas,omitempty" doc:"places in measure space that are rewarded, and nothing else is: 1 in the middle, falling to 0 at the edge"`
	Goals       []GoalConfig    `json:"goals,omitempty" doc:"further objectives, for the archive mome"`
	Observe     *ObserveConfig  `json:"observe,omitempty" doc:"what descriptors are learned from"`
	ArchiveOf   []int           `json:"archive_of,omitempty" doc:"numbers of the measures, from 0, that the archive tells apart; default: all"`
	ResultOf    []int           `json:"result_of,omitempty" doc:"the same for the result archive"`
	Gradient    *GradientConfig `json:"gradient,omitempty" doc:"how gradients are estimated for emitters that climb them"`
	Batch       int             `json:"batch" doc:"policies that each emitter proposes at a time"`
	Episodes    int             `json:"episodes" doc:"episodes of an evaluation; objective and measures are means over them"`
	Fresh       bool            `json:"fresh" doc:"each evaluation plays new episodes; else all play the same, and noise cannot favour any"`
	Resample    int             `json:"resample" doc:"evaluations more of what the archive would accept, before it is offered with their mean: against luck, with fresh"`
	RedTeam     *RedTeamConfig  `json:"redteam,omitempty" doc:"asks people about policies that a learned reward likes and what is hidden from it does not"`
	Offset      float64         `json:"offset" doc:"least objective there can be: the QD score sums what objectives are above it"`
	Reevaluate  int             `json:"reevaluate" doc:"new episodes in which each elite is played again at the end; 0 for none"`
}

// A GenomeConfig says what network the parameters of a solution are.
type GenomeConfig struct {
	Hidden     []int         `json:"hidden" doc:"widths of the hidden layers; none makes a linear policy"`
	Activation nn.Activation `json:"activation" doc:"of the hidden layers: tanh, relu or elu"`
	Bias       bool          `json:"bias" doc:"whether layers have biases"`
}

// A MeasureConfig is a number that describes the behaviour in an episode.
type MeasureConfig struct {
	Of     string   `json:"of" doc:"observation or fact it is made of, as they are after a step: obs.NAME or fact.NAME"`
	Column int      `json:"column" doc:"column of it, where it has several"`
	Take   string   `json:"take" doc:"last, first, min, max, mean or sum over the steps of the episode, or signature: of the path of it and of what with names"`
	With   []string `json:"with,omitempty" doc:"further coordinates of the path whose signature is taken"`
	Word   []int    `json:"word,omitempty" doc:"which number of the signature: [0, 1] is the iterated integral of coordinate 0 and then 1"`
	Log    bool     `json:"log,omitempty" doc:"of the logarithm of the signature: [0, 1] is then the signed area between path and chord"`
	When   []string `json:"when" doc:"observations or facts; the value at the first step where one of them is above 0 counts, and take only if there is none"`
	Lo     float32  `json:"lo" doc:"least value that the archive tells apart"`
	Hi     float32  `json:"hi" doc:"greatest value that the archive tells apart"`
}

// An EmitterChoice names an emitter and how many of it there are.
type EmitterChoice struct {
	Name    string `json:"name" doc:"registered name; see terrarium list emitters"`
	Count   int    `json:"count" doc:"number of such emitters; default 1"`
	Options any    `json:"options" doc:"its options; see terrarium describe emitter"`
}

// qdAgent is the name that stands for the agent in a quality-diversity experiment.
const qdAgent = "qd"

// defaults fills in what an experiment leaves open.
func (q *QDConfig) defaults() {
	if q.Evaluations == 0 {
		q.Evaluations = 50_000
	}
	if q.Batch == 0 {
		q.Batch = 32
	}
	if q.Episodes == 0 {
		q.Episodes = 1
	}
	if q.Archive.Name == "" {
		q.Archive.Name = "grid"
	}
	if len(q.Emitters) == 0 && q.Explore == nil {
		q.Emitters = []EmitterChoice{{Name: "isoline"}}
	}
	for i := range q.Measures {
		if q.Measures[i].Take == "" {
			q.Measures[i].Take = "last"
		}
	}
	for i := range q.Emitters {
		if q.Emitters[i].Count == 0 {
			q.Emitters[i].Count = 1
		}
	}
}

// resolveQD resolves the names in the section qd.
func (p *Plan) resolveQD() error {
	if t := p.source.get("agent"); t != nil && p.Agent.Name != qdAgent {
		return p.at("agent", errors.New("a qd experiment has no agent: delete it, or the section qd"))
	}
	p.Agent = Choice{Name: qdAgent}
	q := p.QD
	q.defaults()
	p.Steps = q.Evaluations
	if err := p.checkQD(); err != nil {
		return err
	}
	if err := p.checkSparse(); err != nil {
		return err
	}
	if err := p.checkRedTeam(); err != nil {
		return err
	}
	var err error
	if p.qdArchive, err = p.openArchive(&q.Archive, "qd.archive"); err != nil {
		return err
	}
	if q.Result != nil {
		if p.qdResult, err = p.openArchive(q.Result, "qd.result"); err != nil {
			return err
		}
	}
	p.qdEmitters = nil
	for i := range q.Emitters {
		e, path := &q.Emitters[i], fmt.Sprintf("qd.emitters.%d", i)
		c, err := qd.OpenEmitter(e.Name, p.options(e.Options, path+".options"))
		if err != nil {
			return p.at(path+".name", err)
		}
		e.Options = c
		p.qdEmitters = append(p.qdEmitters, c)
	}
	_, err = p.buildSearch(1)
	return err
}

func (p *Plan) openArchive(c *Choice, path string) (qd.ArchiveConfig, error) {
	a, err := qd.OpenArchive(c.Name, p.options(c.Options, path+".options"))
	if err != nil {
		return nil, p.at(path+".name", err)
	}
	c.Options = a
	return a, nil
}

func (p *Plan) checkQD() error {
	q := p.QD
	for _, c := range []struct {
		path        string
		v, min, max float64
	}{
		{"qd.evaluations", float64(q.Evaluations), 1, 1e15}, {"qd.batch", float64(q.Batch), 1, 1e6},
		{"qd.episodes", float64(q.Episodes), 1, 1e6}, {"qd.reevaluate", float64(q.Reevaluate), 0, 1e6},
		{"qd.resample", float64(q.Resample), 0, 1e6},
	} {
		if !(c.v >= c.min && c.v <= c.max) {
			return p.at(c.path, fmt.Errorf("%v is out of range: want %v to %v", c.v, c.min, c.max))
		}
	}
	for i, e := range q.Emitters {
		if e.Count < 1 || e.Count > 10_000 {
			return p.at(fmt.Sprintf("qd.emitters.%d.count", i), fmt.Errorf("%d is out of range: want 1 to 10000", e.Count))
		}
	}
	for i, w := range q.Policy.Hidden {
		if w < 1 || w > 4096 {
			return p.at(fmt.Sprintf("qd.policy.hidden.%d", i), fmt.Errorf("%d is out of range: want 1 to 4096", w))
		}
	}
	if p.Spec.Agents != 1 || p.Spec.MaxSteps == 0 {
		return p.at("env.name", fmt.Errorf("%s has %s a world and %d steps at most: qd plays one agent a world, and episodes that end",
			p.Spec.ID, plural(p.Spec.Agents, "agent"), p.Spec.MaxSteps))
	}
	if len(q.Measures) == 0 {
		return p.at("qd.measures", errors.New("want at least one, such as {of: fact.x, take: last, lo: -1, hi: 1}"))
	}
	for i, m := range q.Measures {
		if _, err := m.resolve(p.Spec); err != nil {
			return p.at(fmt.Sprintf("qd.measures.%d", i), err)
		}
	}
	return nil
}

// bounds returns the range of each measure.
func (q *QDConfig) bounds() (out [][2]float32) {
	for _, m := range q.Measures {
		out = append(out, [2]float32{m.Lo, m.Hi})
	}
	return out
}

// niches returns the number of niches of an archive, or 0 if it cannot count them.
func niches(a qd.Archive) int {
	if n, ok := a.(qd.Niched); ok {
		return n.Niches()
	}
	return 0
}

// A source is a column of the observations or facts of a step.
type source struct {
	fact bool
	col  int
}

func (s source) value(b *env.Batch) float32 {
	if s.fact {
		return b.Facts[s.col]
	}
	return b.Next[s.col]
}

// A measured is a MeasureConfig whose names are resolved.
type measured struct {
	of    source
	when  []source
	take  string
	with  []source // of a signature
	index int      // of the number taken of it
	depth int
	log   bool
}

var takes = []string{"last", "first", "min", "max", "mean", "sum", "signature"}

func (m *MeasureConfig) resolve(s *env.Spec) (measured, error) {
	out := measured{take: m.Take}
	var err error
	if out.of, err = findSource(s, m.Of, m.Column); err != nil {
		return out, err
	}
	for _, name := range m.When {
		w, err := findSource(s, name, 0)
		if err != nil {
			return out, fmt.Errorf("when: %w", err)
		}
		out.when = append(out.when, w)
	}
	known := false
	for _, t := range takes {
		known = known || t == m.Take
	}
	if !known {
		return out, fmt.Errorf("take: unknown %q%s", m.Take, registry.Suggest(m.Take, takes))
	}
	if err := m.resolvePath(s, &out); err != nil {
		return out, err
	}
	if !(m.Lo < m.Hi) || math.IsInf(float64(m.Hi-m.Lo), 0) {
		return out, fmt.Errorf("lo is %v and hi %v: want a rising range", m.Lo, m.Hi)
	}
	return out, nil
}

func findSource(s *env.Spec, name string, column int) (source, error) {
	kind, field, _ := strings.Cut(name, ".")
	fields, fact := s.Obs, false
	switch kind {
	case "obs":
	case "fact":
		fields, fact = s.Facts, true
	default:
		return source{}, fmt.Errorf("%q: want obs.NAME or fact.NAME", name)
	}
	at, err := env.Column(fields, field)
	if err != nil {
		return source{}, err
	}
	for _, f := range fields {
		if f.Name == field && (column < 0 || column >= f.Len) {
			return source{}, fmt.Errorf("column is %d, %s has %d", column, name, f.Len)
		}
	}
	return source{fact, at + column}, nil
}
