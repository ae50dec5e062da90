package physics

// The engine in lanes still names it.
const solveEvery = 1
