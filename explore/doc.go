package explore

// What `terrarium list bonuses` prints.

func (c *Count) Doc() string {
	if c.Episodic {
		return "One over the root of how often a grid cell was visited in the episode. Suits ever-new levels."
	}
	return "One over the root of how often a grid cell was visited in training. Suits few distinct states."
}
func (*RND) Doc() string {
	return "Error of a network that learns to predict a fixed random one. Global novelty of any observation."
}
func (*NovelD) Doc() string {
	return "Rise of the novelty of rnd from a state to the next, at first visits of an episode."
}
func (*E3B) Doc() string {
	return "How far a state lies outside the ellipse of those of the episode. Episodic novelty of any observation."
}

func (*Count) Paper() string  { return "Strehl and Littman 2008; Henaff, Jiang and Raileanu 2023" }
func (*RND) Paper() string    { return "Burda, Edwards, Storkey and Klimov 2019" }
func (*NovelD) Paper() string { return "Zhang et al. 2021" }
func (*E3B) Paper() string    { return "Henaff, Raileanu, Jiang and Rocktaeschel 2022" }
