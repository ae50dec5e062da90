package lab

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { commands = append(commands, listCommand) }

// An Item is a line of `terrarium list`.
type Item struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Paper string `json:"paper"` // where it was published
	Doc   string `json:"doc"`   // one line
}

// A Documented config says what it is. Configs of agents and rewards may implement it.
type Documented interface{ Doc() string }

// A Published config names the paper that it implements. Configs may implement it.
type Published interface{ Paper() string }

// kinds are what can be listed: plural, singular, and how to get the items.
var kinds = []struct {
	plural, singular string
	items            func() ([]Item, error)
}{
	{"envs", "env", listEnvs},
	{"agents", "agent", listAgents},
	{"rewards", "reward", listRewards},
	{"bonuses", "bonus", listBonuses},
	{"archives", "archive", listArchives},
	{"emitters", "emitter", listEmitters},
	{"experiments", "experiment", listExperiments},
}

// kindNames returns the plurals or singulars of kinds.
func kindNames(plural bool) (names []string) {
	for _, k := range kinds {
		if plural {
			names = append(names, k.plural)
		} else {
			names = append(names, k.singular)
		}
	}
	return names
}

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:       "list " + strings.Join(kindNames(true), "|"),
		Short:     "List what there is of a kind",
		ValidArgs: kindNames(true),
		Args:      exactlyOne("a kind: " + strings.Join(kindNames(true), ", ")),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, k := range kinds {
				if args[0] != k.plural && args[0] != k.singular {
					continue
				}
				items, err := k.items()
				if err != nil {
					return err
				}
				return printItems(cmd.OutOrStdout(), items, asJSON)
			}
			return fmt.Errorf("unknown kind %q%s", args[0], registry.Suggest(args[0], kindNames(true)))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line, the last one a summary")
	return c
}

func printItems(w io.Writer, items []Item, asJSON bool) error {
	if asJSON {
		for _, i := range items {
			if err := printJSON(w, i); err != nil {
				return err
			}
		}
		return printJSON(w, map[string]any{"summary": map[string]int{"count": len(items)}})
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, i := range items {
		fmt.Fprintf(t, "%s\t%s\n", i.Name, i.Doc)
	}
	return t.Flush()
}

func listEnvs() (items []Item, err error) {
	for _, name := range env.Names() {
		c, err := env.Open(name, nil)
		if err != nil {
			return nil, err
		}
		s, err := c.Spec()
		if err != nil {
			return nil, err
		}
		items = append(items, Item{"env", name, paper(c), firstSentence(s.Doc)})
	}
	return items, nil
}

func listAgents() (items []Item, err error) {
	for _, name := range agents.Names() {
		c, err := agents.Open(name, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, Item{"agent", name, paper(c), firstSentence(docOf(c))})
	}
	return items, nil
}

func listRewards() (items []Item, err error) {
	for _, name := range rewards.Names() {
		c, err := rewards.Open(name, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, Item{"reward", name, paper(c), firstSentence(docOf(c))})
	}
	return items, nil
}

func listExperiments() (items []Item, err error) {
	for _, name := range configs.Names() {
		text, err := configs.Read(name)
		if err != nil {
			return nil, err
		}
		t, err := parseYAML(name+".yaml", text)
		if err != nil {
			return nil, err
		}
		doc := ""
		if d := t.get("doc"); d != nil {
			doc, _ = d.scalar.(string)
		}
		items = append(items, Item{Kind: "experiment", Name: name, Doc: doc})
	}
	return items, nil
}

func docOf(config any) string {
	if d, ok := config.(Documented); ok {
		return d.Doc()
	}
	return ""
}

func paper(config any) string {
	if p, ok := config.(Published); ok {
		return p.Paper()
	}
	return ""
}

// firstSentence cuts s after its first sentence.
func firstSentence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if head, _, ok := strings.Cut(s, ". "); ok {
		return head + "."
	}
	return s
}
