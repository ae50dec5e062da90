package explore

// What `terrarium list bonuses` prints.

// Doc says what the bonus is, in one line.
func (c *Count) Doc() string {
	if c.Episodic {
		return "One over the root of how often a grid cell was visited in the episode. Suits ever-new levels."
	}
	return "One over the root of how often a grid cell was visited in training. Suits few distinct states."
}

// Doc says what the bonus is, in one line.
func (*RND) Doc() string {
	return "Error of a network that learns to predict a fixed random one. Global novelty of any observation."
}

// Doc says what the bonus is, in one line.
func (*NovelD) Doc() string {
	return "Rise of the novelty of rnd from a state to the next, at first visits of an episode."
}

// Doc says what the bonus is, in one line.
func (*E3B) Doc() string {
	return "How far a state lies outside the ellipse of those of the episode. Episodic novelty of any observation."
}

// Paper names the source.
func (*Count) Paper() string { return "Strehl and Littman 2008; Henaff, Jiang and Raileanu 2023" }

// Paper names the source.
func (*RND) Paper() string { return "Burda, Edwards, Storkey and Klimov 2019" }

// Paper names the source.
func (*NovelD) Paper() string { return "Zhang et al. 2021" }

// Paper names the source.
func (*E3B) Paper() string { return "Henaff, Raileanu, Jiang and Rocktaeschel 2022" }

// Doc says what the bonus is, in one line.
func (*ICM) Doc() string {
	return "Error of predicting the features of the next state. Pays for what surprises."
}

// Doc says what the bonus is, in one line.
func (*Disagreement) Doc() string {
	return "Variance of an ensemble's predictions of the next state. Does not pay for noise."
}

// Doc says what the bonus is, in one line.
func (*Progress) Doc() string {
	return "How much better a model of the dynamics has become. Pays neither for the known nor for noise."
}

// Doc says what the bonus is, in one line.
func (*RIDE) Doc() string {
	return "Change of the features of the state, over the root of its visits in the episode."
}

// Doc says what the bonus is, in one line.
func (c *Near) Doc() string {
	return [...]string{
		re3: "Distance to the k-th nearest state of a memory, by random features: state entropy.",
		apt: "Mean distance to the k nearest states of a memory, by learned features: state entropy.",
		ngu: "How unlike the states of the episode a state is, by a kernel over learned features.",
	}[c.kind]
}

// Paper names the source.
func (*ICM) Paper() string { return "Pathak, Agrawal, Efros and Darrell 2017" }

// Paper names the source.
func (*Disagreement) Paper() string { return "Pathak, Gandhi and Gupta 2019" }

// Paper names the source.
func (*Progress) Paper() string { return "Schmidhuber 1991; Kim et al. 2020" }

// Paper names the source.
func (*RIDE) Paper() string { return "Raileanu and Rocktaeschel 2020" }

// Paper names the source.
func (c *Near) Paper() string {
	return [...]string{re3: "Seo et al. 2021", apt: "Liu and Abbeel 2021", ngu: "Badia et al. 2020"}[c.kind]
}
