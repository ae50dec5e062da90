package spec

import "strings"

// ParseLTL reads a formula. From the loosest to the tightest:
//
//	p -> q          if p then q; to the right
//	p | q
//	p & q
//	p U q           p until q, which does come; p R q: q until and including p, or for ever;
//	                p W q: p until q, or for ever; to the right
//	! X F G         not; next; at some time; always
//	true false name ( )
//
// Names are letters, digits and underscores and do not begin with a digit. Errors name the column.
func ParseLTL(text string) (*Formula, error) {
	p := &parser{text: text}
	f, err := p.implies()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(text) {
		return nil, errorAt(text, p.at, "%q is not expected here, want an operator or the end", text[p.at:p.at+1])
	}
	return f, nil
}

type parser struct {
	text  string
	at    int
	depth int
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\n') {
		p.at++
	}
}

// take reads a sign.
func (p *parser) take(sign string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.at:], sign) {
		return false
	}
	if letter(sign[0]) && p.at+len(sign) < len(p.text) && wordly(p.text[p.at+len(sign)]) {
		return false // the beginning of a longer name
	}
	p.at += len(sign)
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func wordly(c byte) bool { return letter(c) || c >= '0' && c <= '9' }

func (p *parser) implies() (*Formula, error) {
	if p.depth++; p.depth > 200 {
		return nil, errorAt(p.text, p.at, "nested more than 200 deep")
	}
	defer func() { p.depth-- }()
	a, err := p.joined(opOr)
	if err != nil || !p.take("->") {
		return a, err
	}
	b, err := p.implies()
	if err != nil {
		return nil, err
	}
	return join(opOr, []*Formula{not(a), b}), nil
}

// joined reads disjunctions of conjunctions.
func (p *parser) joined(o op) (*Formula, error) {
	read, sign := p.until, "&"
	if o == opOr {
		read, sign = func() (*Formula, error) { return p.joined(opAnd) }, "|"
	}
	a, err := read()
	fs := []*Formula{a}
	for err == nil && p.take(sign) {
		p.take(sign) // && and || will do as well
		a, err = read()
		fs = append(fs, a)
	}
	if err != nil {
		return nil, err
	}
	return join(o, fs), nil
}

func (p *parser) until() (*Formula, error) {
	a, err := p.unary()
	if err != nil {
		return nil, err
	}
	for _, sign := range []string{"U", "R", "W"} {
		if !p.take(sign) {
			continue
		}
		b, err := p.until()
		if err != nil {
			return nil, err
		}
		switch sign {
		case "U":
			return temporal(opUntil, a, b), nil
		case "R":
			return temporal(opRelease, a, b), nil
		}
		return temporal(opRelease, b, join(opOr, []*Formula{a, b})), nil // p W q = q R (p | q)
	}
	return a, nil
}

func (p *parser) unary() (*Formula, error) {
	if p.depth++; p.depth > 200 {
		return nil, errorAt(p.text, p.at, "nested more than 200 deep")
	}
	defer func() { p.depth-- }()
	for sign, make := range map[string]func(*Formula) *Formula{
		"!": not, "X": next,
		"F": func(f *Formula) *Formula { return temporal(opUntil, yes, f) },
		"G": func(f *Formula) *Formula { return temporal(opRelease, no, f) },
	} {
		if p.take(sign) {
			f, err := p.unary()
			if err != nil {
				return nil, err
			}
			return make(f), nil
		}
	}
	if p.take("(") {
		f, err := p.implies()
		if err == nil && !p.take(")") {
			err = errorAt(p.text, p.at, "want )")
		}
		return f, err
	}
	p.space()
	start := p.at
	for p.at < len(p.text) && wordly(p.text[p.at]) {
		p.at++
	}
	switch name := p.text[start:p.at]; {
	case name == "":
		return nil, errorAt(p.text, start, "want a name, a formula in parentheses, or one of ! X F G")
	case !letter(name[0]):
		return nil, errorAt(p.text, start, "the name %q begins with a digit", name)
	case name == "true":
		return yes, nil
	case name == "false":
		return no, nil
	case strings.Contains("|U|R|W|X|F|G|", "|"+name+"|"):
		return nil, errorAt(p.text, start, "%s is an operator and stands where a formula is wanted", name)
	default:
		return atomOf(name), nil
	}
}
