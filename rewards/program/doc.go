// Package program makes rewards of expressions over facts and observations:
//
//	reward: "2*progress - 0.1*energy"
//
// An expression is parsed and its types are checked by expr-lang; errors name the line and the
// column. It is then lowered to straight-line code that runs column by column over the whole
// batch, without allocation, and, for rollouts on a GPU, to a compute shader of the same bits
// (on Mesa's software driver; see [Func.Shader]). Expressions cannot loop, fail or read anything
// but the row, and what they remember of its episode. They may be as long as a page.
//
// The language of this kind of reward follows Xie et al., "Text2Reward: Reward Shaping with
// Language Models for Reinforcement Learning" (ICLR 2024), in which programs write the reward.
//
// # Names
//
//	progress          a fact, by its name (terrarium describe env NAME lists them)
//	rays[3]           column 3, from 0, of a fact of several
//	obs.vx, next.vx   what was seen before the step, and what follows it
//	act.engine        what was done
//	terminated        true in the step in which the task ended the episode
//	truncated         true in the step in which a limit ended it
//	pi, dt            the circle constant; seconds of a step
//
// # Operators, by precedence
//
//	x ? a : b         a if x is true, else b; also: if x { a } else { b }
//	or || and &&      of truths
//	== != < <= > >=   of numbers; == and != also of truths
//	+ - * /           of numbers
//	^ **              to a power that is a whole number from -16 to 16
//	- ! not           in front of one
//	let v = x; ...    names a value for what comes after the semicolon
//
// # Objects
//
//	sum(rays, # < 1 ? 1 : 0)                      over the columns of a fact; # is the column
//	sum(each(box, 2), norm(#))                    over objects of two columns each, as vectors
//	min(map(each(box, 2), dist(#, obs.goal)))     map makes a vector of what is said of each
//	sum(0..1, present[#] * norm(each(box, 2)[#])) over whole numbers, to look into several facts
//	count, any, all, none, one                    of conditions
//
// Loops are written out when the program is built, so what they go over has to be known then; in a loop
// within a loop, # is of the inner one, and let o = #; ... keeps the outer one.
//
// # Memory
//
//	prev(x)           x in the step before; in the first step of an episode x itself, or false
//	first(x > 1)      true from the step on that it is first true in, to the end of the episode
//
// They remember in every step, also where the program chooses another branch. What is paid once, at a
// stage, is first(p) and not prev(first(p)) ? 1 : 0. A program with memory is a [Remembering]: it has
// to see episodes from their beginnings, step by step.
//
// # Numbers and truths
//
// Truths are not numbers: write x ? 1 : 0. [Functions] lists the functions. Whatever is known when
// the program is built is computed then; it is an error if that is not finite.
//
// Numbers are float32, and each operator rounds its result. Division by 0, the logarithm of 0 and
// the like give infinities and NaN, at which a run stops, naming the term; [Func.Doubts] tells of
// such places beforehand, from the bounds of facts.
package program
