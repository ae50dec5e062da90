// Package spec states objectives that no sum of rewards of single steps can state: what is wanted
// in an order, always, never, or in the long run.
//
//   - Predicates over facts are named expressions of package rewards/program, such as
//     goal: "distance < 0.2".
//   - A [Machine] is a reward machine: it remembers which of a few states it is in, moves by
//     predicates, and rewards moves (Toro Icarte, Klassen, Valenzano and McIlraith, "Using Reward
//     Machines for High-Level Task Specification and Decomposition in Reinforcement Learning", ICML
//     2018). It is the reward "machine".
//   - [ParseLTL] reads formulas of linear temporal logic, such as "F (key & F door) & G !hazard", and
//     [Formula.Machine] makes machines of them. It is the reward "ltl".
//   - [Product] joins a machine to a world of package env/tabular, where everything is exact.
//   - [Express] says whether the rewards of a formalism can order some policies as wanted, and shows why
//     not if they cannot (Subramani et al., "On The Expressivity of Objective-Specification Formalisms in
//     Reinforcement Learning", ICLR 2024).
//
// An agent does not see the state of a machine. Where what is best to do depends on it, an observation
// has to tell it: keys in hand, doors open.
package spec
