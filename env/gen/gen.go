// Package gen builds worlds from a few parameters and random numbers: terrains to land on and
// to walk over, and mazes.
//
// A generator is a plain struct of parameters with a method that writes into memory of the
// caller. What it writes is a function of the parameters and of the numbers it draws from the
// stream it is given, so a level is no more than its parameters and a seed:
//
//	r := rng.New(level.Seed).Stream(purpose, 0, 0)
//	points = gen.Trail{Roughness: 1, Pit: 1.4}.Append(points[:0], &r)
//
// Terrains are chains of points from left to right with the solid ground below. Neighbouring
// points are distinct; two may lie exactly above one another, which makes a wall.
package gen
