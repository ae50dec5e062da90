package lab

// Numbers that select families of random streams under a seed of a run.
const (
	worldPurpose  uint64 = 0x776f726c64   // the worlds of training
	actPurpose    uint64 = 0x616374       // exploration, folded with the number of the step
	learnPurpose  uint64 = 0x6c6561726e   // the agent's own
	evalPurpose   uint64 = 0x6576616c     // the worlds of evaluation
	bonusPurpose  uint64 = 0x626f6e7573   // the bonus's own
	rewardPurpose uint64 = 0x726577617264 // of rewards that learn
)
